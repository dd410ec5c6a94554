/* SPDX-License-Identifier: Apache-2.0
 *
 * RE2 behind a C header, and what ClickHouse reads out of a pattern before RE2 sees it: is it plain text,
 * and which text does each match hold? Its reading is not exact (a pattern ends at a stray ')', a group's
 * name with '_' counts as text), and its answers follow from it, so it is the same here. */
#include "expr/regex.h"
#include "expr/regex_line.h"

#include <re2/re2.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

extern "C" const char *text_find(struct str s, struct str needle);
extern "C" const char *text_find_any_case(struct str s, struct str needle);

namespace {

/* A run of plain characters. */
struct run {
    std::string text;
    bool is_prefix = false; /* nothing but it before */
    bool is_suffix = false; /* nothing but it behind */
    bool has_choice = false; /* of the group that it is of */
};

enum { LEAST_FILTER = 3, DEPTH_MAX = 200 };

/* Reads a pattern, group by group. */
class reader {
  public:
    explicit reader(const std::string &p) : pattern(p) {}

    /* From `at` to the end of the group or pattern; the longest run is left in `found`. */
    size_t read(size_t at, run *found, bool *is_plain, int depth);

  private:
    size_t skip_escape(size_t at) const;
    size_t skip_name(size_t at) const;
    size_t open_group(size_t at, bool *any_case, bool *is_only_flags) const;

    const std::string &pattern;
};

bool is_flag(char c)
{
    return c == '-' || c == 'i' || c == 'm' || c == 's' || c == 'U' || c == 'u';
}

bool is_plain_escape(char c)
{
    return c != '\0' && std::string("|()^$.[]?*+-{}/").find(c) != std::string::npos;
}

bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the letter of an escape that is not plain: its digits are no text. */
size_t reader::skip_escape(size_t at) const
{
    char c = pattern[at++];

    if (c == 'x' && at < pattern.size() && pattern[at] != '{') {
        for (int i = 0; i < 2 && at < pattern.size() && is_hex(pattern[at]); i++)
            at++;
    } else if (c >= '0' && c <= '7') {
        for (int i = 0; i < 2 && at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '7'; i++)
            at++;
    }
    return at;
}

/* (?<name> or (?P<name>, at its '<': the place of '>', or `at` where the name has other characters. */
size_t reader::skip_name(size_t at) const
{
    char last = pattern[at] == '<' ? '>' : '\'';

    for (size_t i = at + 1; i < pattern.size(); i++) {
        char c = pattern[i];
        if (c == last)
            return i;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            break;
    }
    return SIZE_MAX;
}

/* At '(': the place of the last character that belongs to the opening. */
size_t reader::open_group(size_t at, bool *any_case, bool *is_only_flags) const
{
    size_t n = pattern.size();

    *is_only_flags = false;
    if (at + 2 >= n || pattern[at + 1] != '?')
        return at;
    char c = pattern[at + 2];
    if (is_flag(c)) {
        size_t i = at + 2;
        for (; i < n && is_flag(pattern[i]); i++)
            *any_case |= pattern[i] == 'i';
        *is_only_flags = i < n && pattern[i] == ')';
        return i;
    }
    if (c == ':')
        return at + 2;
    bool is_named = at + 3 < n && (c == '<' || c == '\'' || (c == 'P' && pattern[at + 3] == '<'));
    if (is_named) {
        size_t end = skip_name(c == 'P' ? at + 3 : at + 2);
        return end == SIZE_MAX ? at : end;
    }
    return at;
}

size_t reader::read(size_t at, run *found, bool *is_plain, int depth)
{
    size_t n = pattern.size();
    bool is_first = at == 0, is_prefix = true, any_case = false, has_choice = false;
    bool in_braces = false, in_class = false;
    bool inner_choice = false;
    int classes = 0;
    std::vector<run> runs(1);

    *found = run();
    *is_plain = true;
    if (depth > DEPTH_MAX) {
        *is_plain = false;
        return n;
    }
    auto end_run = [&]() {
        *is_plain = false;
        is_prefix = false;
        if (classes == 0 && !runs.back().text.empty())
            runs.emplace_back();
    };
    for (; at < n && !has_choice; ) {
        char c = pattern[at];
        bool is_text = false;
        switch (c) {
        case '\\':
            if (++at == n)
                break;
            if (is_plain_escape(pattern[at])) {
                is_text = true;
                break;
            }
            end_run();
            at = skip_escape(at);
            break;
        case '|':
            *is_plain = false;
            is_prefix = false;
            at++;
            has_choice = classes == 0;
            break;
        case '(': {
            bool is_only_flags, inner_plain;
            run inner;
            *is_plain = false;
            if (in_class) {
                at++;
                break;
            }
            at = open_group(at, &any_case, &is_only_flags);
            if (at >= n)
                return n;
            if (is_only_flags) {
                at++;
                break;
            }
            at = read(at + 1, &inner, &inner_plain, depth + 1);
            if (at >= n)
                return n;
            bool may_lack = (at + 1 < n && (pattern[at + 1] == '?' || pattern[at + 1] == '*')) ||
                            (at + 2 < n && pattern[at + 1] == '{' && pattern[at + 2] == '0');
            at++;
            if (may_lack) {
                end_run();
                break;
            }
            inner_choice |= inner.has_choice;
            if (inner.is_prefix) {
                runs.back().text += inner.text;
                runs.back().is_prefix = is_prefix;
            } else {
                end_run();
                runs.back().text = inner.text;
                runs.back().is_prefix = false;
            }
            is_prefix = is_prefix && inner.is_prefix && inner.is_suffix;
            if (!runs.back().text.empty() && !inner.is_suffix)
                runs.emplace_back();
            break;
        }
        case '[':
            in_class = true;
            classes++;
            end_run();
            at++;
            break;
        case ']':
            if (!in_class) {
                is_text = true;
                break;
            }
            in_class = --classes != 0;
            end_run();
            at++;
            break;
        case ')':
            if (!in_class)
                goto finish;
            at++;
            break;
        case '^':
        case '$':
        case '.':
        case '+':
            end_run();
            at++;
            break;
        case '{':
        case '?':
        case '*':
            in_braces |= c == '{';
            if (classes == 0 && !runs.back().text.empty() && !in_class)
                runs.back().text.pop_back();
            end_run();
            at++;
            break;
        case '}':
            is_text = !in_braces;
            at += in_braces;
            in_braces = false;
            break;
        default:
            is_text = true;
        }
        if (is_text && at < n) {
            if (classes == 0 && !in_braces && !in_class) {
                if (runs.back().text.empty())
                    runs.back().is_prefix = is_prefix;
                runs.back().text.push_back(pattern[at]);
            }
            at++;
        }
    }
finish:
    if (*is_plain) {
        *found = runs.front();
        found->is_prefix = found->is_suffix = true;
    } else if (!any_case) {
        size_t best = 0, longest = 0;
        for (size_t i = 0; i < runs.size(); i++) {
            const std::string &t = runs[i].text;
            bool is_common = t == "://" || t == "http://" || t == "www" || t == "Windows ";
            if (t.size() > longest && !is_common) {
                longest = t.size();
                best = i;
            }
        }
        if (longest >= LEAST_FILTER || (!is_first && longest > 0)) {
            *found = runs[best];
            found->is_suffix = best + 1 == runs.size();
        }
    }
    if (has_choice) {
        bool rest_plain;
        at = read(at, found, &rest_plain, depth + 1);
        *found = run();
    }
    found->has_choice = has_choice || inner_choice;
    return at;
}

/* (?<name>…) as RE2 has always read it: (?P<name>…). */
std::string with_old_names(const std::string &pattern)
{
    std::string out;
    bool in_class = false;

    for (size_t i = 0; i < pattern.size(); i++) {
        char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            if (pattern[i + 1] == 'Q') {
                size_t end = pattern.find("\\E", i + 2);
                end = end == std::string::npos ? pattern.size() : end + 2;
                out.append(pattern, i, end - i);
                i = end - 1;
                continue;
            }
            out += c;
            out += pattern[++i];
            continue;
        }
        bool is_name = !in_class && c == '(' && pattern.compare(i, 3, "(?<") == 0 &&
                       i + 3 < pattern.size() && pattern[i + 3] != '=' && pattern[i + 3] != '!';
        if (c == '[' && !in_class) {
            in_class = true;
            out += c;
            if (i + 1 < pattern.size() && pattern[i + 1] == '^')
                out += pattern[++i];
            if (i + 1 < pattern.size() && pattern[i + 1] == ']')
                out += pattern[++i];
            continue;
        }
        if (c == ']')
            in_class = false;
        out += c;
        if (is_name) {
            out += "?P<";
            i += 2;
        }
    }
    return out;
}

re2::StringPiece piece(struct str s)
{
    return re2::StringPiece(s.p ? s.p : "", s.n);
}

}

struct regex {
    std::string required;
    struct str literal;
    bool is_plain = false;
    bool is_prefix = false;
    bool any_case = false;
    bool has_choice = false;
    std::unique_ptr<re2::RE2> re2;
    regex_line *line = nullptr; /* does the same faster, if not NULL */

    ~regex() { regex_line_free(line); }
};

struct regex *regex_new(struct str pattern, unsigned flags, char *why, size_t why_bytes)
{
    std::string text(pattern.p ? pattern.p : "", pattern.n);
    std::unique_ptr<regex> r(new regex());
    run found;

    reader(text).read(0, &found, &r->is_plain, 0);
    r->any_case = flags & REGEX_ANY_CASE;
    r->is_prefix = found.is_prefix;
    r->has_choice = found.has_choice;
    if (flags & REGEX_STRICT) {
        r->is_plain = r->is_plain && found.text == text;
        r->required = r->is_plain ? text : "";
    } else {
        r->required = found.text;
    }
    r->literal = {r->required.data(), r->required.size()};
    if (r->is_plain && !(flags & REGEX_STRICT))
        return r.release();
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_case_sensitive(!r->any_case);
    r->re2.reset(new re2::RE2(with_old_names(text), options));
    if (r->re2->error_code() == re2::RE2::ErrorBadUTF8 && !(flags & REGEX_STRICT)) {
        options.set_encoding(re2::RE2::Options::EncodingLatin1);
        r->re2.reset(new re2::RE2(with_old_names(text), options));
    }
    if (!r->re2->ok()) {
        snprintf(why, why_bytes, "%s", r->re2->error().c_str());
        return nullptr;
    }
    r->line = regex_line_new(pattern, r->any_case);
    return r.release();
}

void regex_free(struct regex *r)
{
    delete r;
}

size_t regex_n_groups(const struct regex *r)
{
    return r->re2 ? (size_t)r->re2->NumberOfCapturingGroups() : 0;
}

const struct str *regex_literal(const struct regex *r)
{
    return r->is_plain ? &r->literal : nullptr;
}

bool regex_has_choice(const struct regex *r)
{
    return r->has_choice;
}

static const char *find_required(const struct regex *r, struct str text)
{
    return r->any_case ? text_find_any_case(text, r->literal) : text_find(text, r->literal);
}

struct str regex_required(const struct regex *r, bool *any_case)
{
    if (r->line != nullptr)
        return regex_line_text(r->line, any_case);
    *any_case = r->any_case;
    return r->literal;
}

bool regex_matches(const struct regex *r, struct str text)
{
    size_t from = 0;

    if (r->line != nullptr) {
        enum line_answer answer = regex_line_find(r->line, text, 0, nullptr, 0);
        if (answer != LINE_UNSURE)
            return answer == LINE_YES;
    }
    if (!r->required.empty()) {
        const char *at = find_required(r, text);
        if (at == nullptr)
            return false;
        from = r->is_prefix && !r->any_case ? (size_t)(at - text.p) : 0;
    }
    return r->is_plain ||
           r->re2->Match(piece(text), from, text.n, re2::RE2::UNANCHORED, nullptr, 0);
}

size_t regex_find_all(const struct regex *r, struct str text, uint32_t *bounds)
{
    return r->line != nullptr ? regex_line_all(r->line, text, bounds) : SIZE_MAX;
}

static bool find_by_re2(const struct regex *r, struct str text, size_t from, struct str *groups,
                        size_t n_groups)
{
    enum { NEAR = 17 };
    re2::StringPiece few[NEAR];
    std::vector<re2::StringPiece> many;
    re2::StringPiece *found = few;

    if (n_groups > NEAR) {
        many.resize(n_groups);
        found = many.data();
    }
    if (!r->re2->Match(piece(text), from, text.n, re2::RE2::UNANCHORED, found, (int)n_groups))
        return false;
    for (size_t i = 0; i < n_groups; i++)
        groups[i] = {found[i].data(), (size_t)found[i].size()};
    return true;
}

bool regex_find(const struct regex *r, struct str text, size_t from, struct str *groups,
                size_t n_groups)
{
    if (r->line != nullptr) {
        enum line_answer answer = regex_line_find(r->line, text, from, groups, n_groups);
        if (answer != LINE_UNSURE)
            return answer == LINE_YES;
    }
    if (!r->required.empty() || r->is_plain) {
        struct str rest = {text.p ? text.p + from : "", text.n - from};
        const char *at = r->literal.n ? find_required(r, rest) : rest.p;
        if (at == nullptr)
            return false;
        if (r->is_plain) {
            if (n_groups > 0)
                groups[0] = {at, r->literal.n};
            return true;
        }
    }
    return find_by_re2(r, text, from, groups, n_groups);
}
