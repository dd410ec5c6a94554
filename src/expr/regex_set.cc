/* SPDX-License-Identifier: Apache-2.0
 *
 * Many patterns at once by RE2::Set: one pass over the text tells which match. ClickHouse asks another
 * engine here, which reads some things otherwise; they are written for RE2 so that they mean the same. */
#include "expr/regex.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

re2::RE2::Options options()
{
    re2::RE2::Options o;

    o.set_log_errors(false);
    o.set_dot_nl(true);
    return o;
}

/* Behind "\Q": the place behind its end. */
size_t end_of_quote(const std::string &p, size_t at)
{
    size_t end = p.find("\\E", at);

    return end == std::string::npos ? p.size() : end + 2;
}

/* $ as "the end, or a newline before it", unless (?m) says otherwise; \s with the vertical tab. */
std::string translate(const std::string &p)
{
    bool many_lines = p.find("(?m") != std::string::npos || p.find("(?im") != std::string::npos ||
                      p.find("(?sm") != std::string::npos;
    bool in_class = false;
    std::string out;

    for (size_t i = 0; i < p.size(); i++) {
        char c = p[i];
        if (c == '\\' && i + 1 < p.size()) {
            char next = p[i + 1];
            if (next == 'Q') {
                size_t end = end_of_quote(p, i + 2);
                out.append(p, i, end - i);
                i = end - 1;
                continue;
            }
            if (next == 's')
                out += in_class ? "\\s\\v" : "[\\s\\v]";
            else if (next == 'S' && !in_class)
                out += "[^\\s\\v]";
            else
                out.append(p, i, 2);
            i++;
            continue;
        }
        if (c == '[' && !in_class) {
            in_class = true;
            out += c;
            if (i + 1 < p.size() && p[i + 1] == '^')
                out += p[++i];
            if (i + 1 < p.size() && p[i + 1] == ']')
                out += p[++i];
            continue;
        }
        if (c == '[' && in_class && i + 1 < p.size() && p[i + 1] == ':') {
            size_t end = p.find(":]", i + 2);
            if (end != std::string::npos) {
                out.append(p, i, end + 2 - i);
                i = end + 1;
                continue;
            }
        }
        if (c == ']')
            in_class = false;
        bool is_named = !in_class && p.compare(i, 3, "(?<") == 0 && i + 3 < p.size() && p[i + 3] != '=' &&
                        p[i + 3] != '!';
        if (is_named) {
            out += "(?P<";
            i += 2;
        } else if (c == '$' && !in_class && !many_lines) {
            out += "(?:\\n?\\z)";
        } else {
            out += c;
        }
    }
    return out;
}

re2::StringPiece piece(struct str s)
{
    return re2::StringPiece(s.p ? s.p : "", s.n);
}

bool ends_by(const re2::RE2 &pattern, struct str text, size_t end)
{
    return pattern.Match(piece(text), 0, end, re2::RE2::UNANCHORED, nullptr, 0);
}

/* Where the match that ends first ends; the pattern has one. A place may do that is no end: all behind
 * it do, then. */
size_t first_end(const re2::RE2 &pattern, struct str text)
{
    size_t low = 0, high = text.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ends_by(pattern, text, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

}

struct one_pattern {
    std::unique_ptr<re2::RE2> re2;
    bool is_bound; /* to the end: found when the text has ended, behind others */
};

struct regex_set {
    re2::RE2::Set set{options(), re2::RE2::UNANCHORED};
    std::vector<one_pattern> patterns;
};

struct regex_set *regex_set_new(const struct str *patterns, size_t n, char *why, size_t why_bytes)
{
    std::unique_ptr<regex_set> s(new regex_set());

    for (size_t i = 0; i < n; i++) {
        std::string text(patterns[i].p ? patterns[i].p : "", patterns[i].n), error;
        std::string translated = translate(text);
        if (s->set.Add(translated, &error) < 0) {
            snprintf(why, why_bytes, "'%s' is no regular expression: %s", text.c_str(), error.c_str());
            return nullptr;
        }
        bool is_bound = translated.find("\\z") != std::string::npos;
        s->patterns.push_back({std::make_unique<re2::RE2>(translated, options()), is_bound});
    }
    if (s->set.Compile())
        return s.release();
    snprintf(why, why_bytes, "the patterns together are too large");
    return nullptr;
}

void regex_set_free(struct regex_set *s)
{
    delete s;
}

/* The set's one pass may run out of memory: then each pattern for itself. */
bool regex_set_matches(const struct regex_set *s, struct str text)
{
    re2::RE2::Set::ErrorInfo error = {re2::RE2::Set::kNoError};

    if (s->patterns.empty())
        return false;
    if (s->set.Match(piece(text), nullptr, &error))
        return true;
    if (error.kind == re2::RE2::Set::kNoError)
        return false;
    for (const auto &pattern : s->patterns)
        if (ends_by(*pattern.re2, text, text.n))
            return true;
    return false;
}

size_t regex_set_first(const struct regex_set *s, struct str text)
{
    std::vector<int> found;
    size_t best = 0, best_end = 0;

    if (s->patterns.empty() || !regex_set_matches(s, text))
        return 0;
    if (!s->set.Match(piece(text), &found)) {
        for (size_t i = 0; i < s->patterns.size(); i++)
            if (ends_by(*s->patterns[i].re2, text, text.n))
                found.push_back((int)i);
    }
    for (int index : found) {
        const one_pattern &pattern = s->patterns[(size_t)index];
        size_t end = 2 * first_end(*pattern.re2, text) + pattern.is_bound;
        size_t number = (size_t)index + 1;
        if (best == 0 || end < best_end || (end == best_end && number < best)) {
            best = number;
            best_end = end;
        }
    }
    return best;
}
