/* SPDX-License-Identifier: Apache-2.0
 *
 * What diff_expr.c draws texts and functions of texts from. Letters behind % are its gen_format's; further
 *   %w text of many kinds   %W such a constant   %e base64, hex, numbers   %u a URL   %j a JSON document
 *   %R a constant pattern   %r a replacement     %K a key or index         %p a small constant number
 *   %D a delimiter          %U is an interval unit there, too */
#ifndef GEN_TEXT_H
#define GEN_TEXT_H

static const char *const wide_words[] = {
    "", "a", "ab", "Abc", "aaaa", "aAaA", "abcabc", "a b-c", "hello_world x", " pad ", "\t x\n", "Кот", "кОТ и КОТ",
    "日本語", "ΑΣ ΣΑΣ", "ΑΣ.Α", "Straße", "STRASSE", "İi", "ŉǰ", "ﬁn", "\xff" "ab", "ab\xd0", "\xe2\x82", "x\xe2\x41",
    "\xf0\x9f\x98\x80", "\xf0\x9f\x98", "a\x80\x80", "\xed\xa0\x80z", "\xf4\x90\x80\x80", "\xc0\x80", "a.b.c", ".", "..a",
    "one,two,,three", "{}", "a\\b", "50%", "The quick brown fox jumps over the lazy dog, and The Quick Brown Fox Again",
    "ſs", "éÉ", "Ⅷⅷ", "ǅ", "Ა", "ს", "12:30:45", "key=value; k2=v2", "aXbXc",
};

static const char *const coded_words[] = {
    "", "YWJj", "YWI=", "YQ==", "YWI", "YR==", "YQ=", "Y", "=", "====", "Y W I =", " YWJj\n", "YWJj\tYQ==", "YW-_", "YW+/",
    "!!", "YWJjYWJjYWJjYWJj", "YWJjYQ==YWJj", "YQ==\n", "Y=Q=", "YQ= =", "=YQ=", "YWJjY", "\xff", "616263", "6", "zz", "6z",
    "0x61", "ABCDEFabcdef", "0101", "011000010", "12", "1 0", "YQ==x", "YQ==\v", "YQ==\f", "-_-_", "AAAA", "////", "ab\0cd",
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=", "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==",
    "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw", "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBv*mVyIHRoZSBsYXp5",
};

static const char *const urls[] = {
    "", "http://", "http://example.com", "https://www.example.com:8080/a/b/c.html?x=1&y=2#frag",
    "//www.example.co.uk/path", "ftp://user:pass@host.com/", "user@host.com", "example.com",
    "www.example.com", "http://www.com", "a.b", "localhost", "http://localhost/", "http://127.0.0.1:80/x",
    "http://[::1]:80/x", "mailto:user@example.com", "http://example.com.", "http://.com",
    "http://example..com", "http://exa mple.com/", "http://example.com/a?b", "http://example.com?a=1",
    "http://example.com#x", "http://example.com/#x?y=1", "/path/only?q", "?q=1", "#f",
    "http://a.b.c.d.e.co.uk/", "http://www.www.com/", "https://вася.рф/путь?а=1",
    "svn+ssh://some.svn-hosting.com:80/repo/trunk",
    "http://user:password@example.com:8080/path?query=value#fragment", "http://example.com:99999/",
    "http://example.com:abc/", "http://example.com:8080", "//paul@www.example.com:80/",
    "paul@www.example.com:80/", "http:/paul/example/com", "http://www.example.com?q=4/",
    "http://paul%2Fexample.com:40/", "http://example.com/?a=1&a=2&b&=3&c=",
    "http://example.com/?abc=1&bc=2#abc=3", "http://example.com/a&b=1", "a?b#c?d", "x://y",
    "http://a@b@c.com/", "http://com", "http://co.uk/", "javascript:alert(1)",
    "http://example.com/%D0%9A?q=%2b+1", "data:text/plain,a", "http://EXAMPLE.com/", "1http://a.com/",
    "h+t-p.s://a.com", "http://a.com;b/", "http://gov.uk", "http://bbc.gov.uk", "http://x.bbc.gov.uk",
    "http://news.com.au", "https://example.com/?", "https://example.com/?""?a=1", "https://example.com/#",
    "https://example.com/##x", "http://a.b:80?x", "http://a.b:", "http://a.b:65536", "http://a.b:080/",
    "http://a.b:8/x?y", "/", "//", "///", "http:", "a:", "a:b:c", "?a=1#a=2", "http://x.y/?xa=1&a=2",
    "http://x.y/?a", "http://www.www.www.com", "https://www.", "http://www.a", "a%", "a%4", "%%41", "%zz+%20",
    "+", "%", "http://a.b/?a=%20+", "//www.x", "ht tp://a.b", "http://u@www.a.b", "http://u:p@www.a.b", "http://www.@www.a", "http://www.?@www.a", "http://a.b\t/", "www.", "http://1.2.3.4.5",
    "http://x.blogspot.com", "http://a.x.blogspot.com", "http://a.b.github.io/", "http://a.b.kobe.jp",
    "https://a.b.co.jp",
};

static const char *const documents[] = {
    "", "{}", "[]", "1", "x", "{\"a\":1}", "{\"a\":-1,\"b\":1.5,\"c\":\"x\"}", "{\"a\":\"12\",\"b\":\"1.5\"}", "[1,2,3]", "[[1],[2,[3]]]",
    "{\"a\":{\"b\":[1,{\"c\":\"d\"}]}}", "{\"a\":null,\"b\":true,\"c\":false}", "{\"a\":18446744073709551615}", "{\"a\":9223372036854775808}",
    "{\"a\":-9223372036854775808}", "{\"a\":18446744073709551616}", "{\"a\":1e5}", "{\"a\":1e19,\"b\":-1e19}", "{\"a\":1e400}", "{\"a\":0.1e-9}",
    "{\"a\":\"\\u0416\\n\\\"\\\\\\/\"}", "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\\ud83d\"}", "{\"\\u0061\":1}", "{\"a\" : [ 1 , \"x\" ] }",
    "{\"a\":1,\"a\":2}", "{\"A\":1,\"a\":2}", "{\"a\":1,}", "[1,]", "{\"a\":1} x", " {\"a\":1}\n", "{\"a\":\"b\"", "{\"a\":\"x\ty\"}", "{\"a\":\"\xff\"}",
    "{\"a\":\"Жé日\xe2\x80\xa8\"}", "{\"a\":01}", "{\"a\":-0,\"b\":-0.0}", "{\"a\":[],\"b\":{}}", "{\"\":{\"\":1}}", "{\"a\":\"nan\",\"b\":\"inf\"}",
    "{\"a\":\"+5\",\"b\":\"-7\",\"c\":\" 1\"}", "{\"a\":\"1e2\",\"b\":\"0x10\",\"c\":\"\"}", "{\"a\":\"99999999999999999999\",\"b\":\"-1.5\"}", "\"text\"",
    "true", "null", "tru", "{\"a\":-0.5,\"b\":0.5,\"c\":-1.5}", "{\"a\":1.0,\"b\":100000000000000000000.0}", "{\"a\":123456789.123456789}", "[{\"a\":1},{\"a\":\"2\"}]",
    "{\"b\":{\"a\":3},\"a\":4}", "{\"a\":\"-\",\"b\":\"1x\",\"c\":\"1.\"}", "{\"a\":\"x,y}\",\"b\":[1,{\"a\":2}],\"c\":3}", "{\"a\": 5,\"b\" :6}", "\"a\":7", "\"a\":",
    "{\"a\":\"q\\u12\"}", "{\"a\":-5}", "{\"a\":true}", "{\"a\":trueish}", "{\"a\":+5}", "{\"a\":1.5e3x}", "{\"a\":.5}", "{\"a\":\"5\"}", "{\"a\":5", "{\"a\":[1,2",
    "{\"a\":99999999999999999999}", "\xef\xbb\xbf{\"a\":1}", "{\"a\":\"\\u0000\\u001f\\b\\f\"}", "{\"a\":5e-324}", "{\"a\":[\"x\",\"y\"],\"c\":\"z\\\\\"}",
};

static const char *const paths[] = {
    "", ", 'a'", ", 'a'", ", 'b'", ", 'c'", ", 1", ", -1", ", 2", ", 'a', 'b', 2, 'c'", ", 'a', 1", ", 'b', 'a'", ", ''", ", lc", ", s", ", i8", ", u8", ", 0",
    ", 'a', 'b'", ", 1, 1", ", 2, 2, 1", ", nu8", ", ns", ", 'a', ni32",
};

static const char *const text_numbers[] = {
    "lengthUTF8(%w)", "positionUTF8(%w, %W)", "positionUTF8(%w, %w)", "positionUTF8(%w, %W, %p)",
    "positionCaseInsensitiveUTF8(toValidUTF8(%w), toValidUTF8(%W))", "positionCaseInsensitiveUTF8(toValidUTF8(%w), toValidUTF8(%w))", "positionCaseInsensitive(%w, %W)", "positionCaseInsensitive(%w, %w)",
    "position(%w, %W, %p)", "position(%w, %w)", "positionCaseInsensitive(%w, %W, %p)", "locate(%W, %w)", "position(%W IN %w)", "locate(%w, %w, %p)",
    "countSubstrings(%w, %W)", "countSubstrings(%w, %w)", "countSubstrings(%w, %W, %p)",
    "countSubstringsCaseInsensitive(%w, %W)", "countSubstringsCaseInsensitiveUTF8(toValidUTF8(%w), toValidUTF8(%W))", "countSubstringsCaseInsensitiveUTF8(toValidUTF8(%w), toValidUTF8(%w))", "ascii(%w)",
    "countSubstringsCaseInsensitive(%w, %w, %p)", "countMatches(%w, %R)", "countMatches(%w, %R)",
    "countMatchesCaseInsensitive(%w, %R)", "port(%u)",
    "JSONExtractInt(%j%K)", "JSONExtractUInt(%j%K)", "JSONExtractFloat(sj%K)", "JSONExtractBool(%j%K)", "JSONHas(%j%K)", "JSONLength(%j%K)",
    "isValidJSON(%j)", "JSONExtractIntCaseInsensitive(%j, 'A')", "simpleJSONHas(%j, 'a')", "simpleJSONExtractInt(%j, 'a')",
    "simpleJSONExtractUInt(%j, 'a')", "simpleJSONExtractFloat(sj, 'a')", "simpleJSONExtractBool(%j, 'a')", "visitParamExtractInt(%j, 'b')",
    "isValidJSON(%w)", "JSONLength(%j)", "JSONExtractInt(%j, 'a')", "JSONExtractFloat(sj, 'a')", "JSONExtractUInt(%j, 'a')", "port(%u, toUInt16(5))",
};

static const char *const text_conditions[] = {
    "multiSearchAny(%w, [%W, %W])", "multiSearchAnyCaseInsensitive(%w, [%W, %W, 'fox'])", "multiSearchAny(%w, [''])",
    "isValidUTF8(%w)", "startsWithUTF8(%w, %W)", "endsWithUTF8(%w, %W)", "startsWithUTF8(%w, %w)", "endsWithUTF8(%w, %w)",
    "endsWith(%w, %W)", "startsWith(%w, %W)", "startsWithCaseInsensitive(%w, %W)", "endsWithCaseInsensitive(%w, %W)",
    "hasToken(%w, %W)", "hasTokenCaseInsensitive(%w, %W)", "hasTokenOrNull(%w, %W)",
    "hasTokenCaseInsensitiveOrNull(%w, %W)", "isNull(hasTokenOrNull(%w, 'a b'))",
    "match(toValidUTF8(%w), %R)", "(toValidUTF8(%w) REGEXP %R)", "match(%w, %w)", "match(toValidUTF8(%w), %R)", "match(%w, %W)", "(toValidUTF8(%w) ILIKE %P)",
};

static const char *const text_strings[] = {
    "lowerUTF8(%w)", "upperUTF8(%w)", "reverseUTF8(%w)", "toValidUTF8(%w)", "substringUTF8(%w, %p)",
    "substringUTF8(%w, %p)", "substringUTF8(%w, 2, %p)", "substringUTF8(%w, -1, %p)", "substringUTF8(%w, 4, %p)", "leftUTF8(%w, %p)", "rightUTF8(%w, %p)", "left(%w, %p)", "right(%w, %p)",
    "substring(%w, %p, %p)", "substringIndex(%w, %D, %p)", "substringIndexUTF8(%w, %D, %p)", "substringIndex(%w, '.', i8)",
    "replaceOne(%w, %W, %W)", "replaceAll(%w, %W, %W)", "replaceAll(%w, %w, %w)", "replaceOne(%w, %w, %C)",
    "leftPad(%w, %p)", "rightPad(%w, %p, %W)", "leftPadUTF8(%w, %p, %W)", "rightPadUTF8(%w, %p)", "leftPad(%w, u8, %W)",
    "leftPad(%w, i8, %W)", "rightPadUTF8(%w, i16)", "rightPadUTF8(%w, 40, %W)", "leftPadUTF8(%w, 70, %W)", "repeat(%w, %p)",
    "repeat(%w, i8)", "space(u8)", "format('{}-{}', %w, %n)", "format('{1}{{x}}{0}', %w, %t)", "format('{}', %w)",
    "concatWithSeparator(%W, %w, %n, %w)", "concatWithSeparator('-', %w)", "concat_ws(', ', %t, %4, %w)",
    "translate(%w, 'abcK', 'xyz')", "translate(%w, '. ', '-')", "translateUTF8(%w, 'Кß日', 'xé')", "translateUTF8(%w, 'ab', 'éЖ')",
    "hex(%w)", "hex(%n)", "hex(%F)", "hex(%4)", "hex(%6)", "hex(%d)", "hex(t)", "hex(%c)", "bin(%w)", "bin(%n)", "bin(%F)",
    "bin(%4)", "bin(%d)", "unhex(%e)", "unhex(hex(%w))", "unbin(%e)", "unbin(bin(%w))", "base64Encode(%w)", "base64Decode(%e)",
    "tryBase64Decode(%e)", "base64Decode(base64Encode(%w))", "base64URLEncode(%w)", "base64URLDecode(%e)",
    "tryBase64URLDecode(%e)", "formatReadableSize(%n)", "formatReadableSize(%F)", "formatReadableDecimalSize(%n)",
    "formatReadableQuantity(%n)", "formatReadableQuantity(%F * %n)", "formatReadableTimeDelta(%n)",
    "formatReadableTimeDelta(%F)", "formatReadableTimeDelta(%n, 'hours')", "formatReadableTimeDelta(toFloat64(%i), 'minutes', 'nanoseconds')",
    "formatReadableTimeDelta(%F, 'days', 'minutes')", "formatReadableTimeDelta(%n / 1000, 'milliseconds')",
    "formatReadableTimeDelta(%i, '', 'microseconds')", "trim(BOTH %W FROM %w)", "trimBoth(%w, %W)", "substring(%w FROM 2 FOR %p)", "trimLeft(%w, %W)", "trimRight(%w, %W)",
    "extract(toValidUTF8(%w), %R)", "extract(toValidUTF8(%w), %R)", "regexpExtract(%w, %R)", "regexpExtract(%w, %R, 0)", "regexpExtract(%w, %R, u8 %% 3)",
    "regexpExtract(%w, %R, %p)", "replaceRegexpOne(toValidUTF8(%w), %R, %r)", "replaceRegexpAll(toValidUTF8(%w), %R, %r)", "replaceRegexpAll(toValidUTF8(%w), %R, %r)",
    "replaceRegexpAll(toValidUTF8(%w), toValidUTF8(sw), %r)", "replaceRegexpOne(toValidUTF8(%w), %R, %w)", "replaceRegexpAll(toValidUTF8(%w), toValidUTF8(sw), %w)", "regexpQuoteMeta(%w)",
    "replaceRegexpAll(toValidUTF8(%w), regexpQuoteMeta(toValidUTF8(%w)), 'x')", "extract(toValidUTF8(%w), %W)",
    "protocol(%u)", "domain(%u)", "domainWithoutWWW(%u)", "topLevelDomain(%u)",
    "firstSignificantSubdomain(%u)", "cutToFirstSignificantSubdomain(%u)",
    "cutToFirstSignificantSubdomainWithWWW(%u)", "path(%u)", "pathFull(%u)", "queryString(%u)",
    "fragment(%u)", "queryStringAndFragment(%u)", "netloc(%u)", "cutWWW(%u)", "cutQueryString(%u)",
    "cutFragment(%u)", "cutQueryStringAndFragment(%u)", "decodeURLComponent(%u)",
    "decodeURLFormComponent(%u)", "encodeURLComponent(%u)", "encodeURLFormComponent(%u)",
    "extractURLParameter(%u, 'a')", "extractURLParameter(%u, %C)", "cutURLParameter(%u, 'a')",
    "cutURLParameter(%u, '')", "cutURLParameter(%u, %C)", "decodeURLComponent(encodeURLComponent(%w))",
    "domain(%w)", "path(%w)", "netloc(%w)",
    "JSONExtractString(%j%K)", "JSONExtractRaw(%j%K)", "JSONExtractString(%j, 'a')", "JSONExtractRaw(%j)", "JSONKey(%j%K)", "toString(JSONType(%j%K))",
    "simpleJSONExtractString(%j, 'a')", "simpleJSONExtractRaw(%j, 'a')", "simpleJSONExtractRaw(%j, 'b')",
    "visitParamExtractString(%j, %C)", "JSONExtractStringCaseInsensitive(%j, 'A')",
    "tryBase64Decode(%w)", "format(%W, %w)", "format('{}{}', %w)",
};

static const char *const patterns[] = {
    "'a'", "'b+'", "'[a-c]+'", "'(a)(b)?'", "'^a'", "'c$'", "'.'", "'.*'", "''", "'a|b|Кот'", "'(?i)abc'", "'\\\\w+'",
    "'(\\\\w+) (\\\\w+)'", "'\\\\d+'", "'[^a-z]'", "'К.т'", "'(?i)КОТ'", "'\\\\.'", "'^$'", "'\\\\b'", "'o*'",
    "'(x|y)z?'", "'fox.*dog'", "'The (\\\\w+) brown'", "'abc'", "'(abc)+'", "'(?:ab)c'", "'(?P<n>b)c'", "'(?<n>b)c'", "'x\\\\'", "'a)b'",
    "'\\\\x61b'", "'ab\\\\Qc\\\\E'", "'[[:alpha:]]+'", "'(?s).b'", "'(?-s)x.'", "'(a)|(b)'", "'(b)?c'", "'a{2}'", "'a{0}b'", "'(?:(a)|b)'",
    "'abc(def)?'", "'(?P<x_y>abc)a'", "'\\\\p{Greek}'", "'\\\\C'", "'日'", "'[К-т]'", "'a.*?b'", "'(?U)a.*b'", "'(?m)^x'", "'hello_(world)'",
    "'^.*(b.)'", "'(b).*$'", "'^.*(a).*$'", "'a*$'", "'[a-c]*$'", "'(?:a|b)*$'", "'x|a*$'", "'(a|b)$'", "'^.*(\\\\w)x'",
};

static const char *const replacements[] = {
    "''", "'x'", "'[\\\\0]'", "'\\\\1'", "'\\\\2-\\\\1'", "'\\\\\\\\'", "'\\\\'", "'a\\\\qb'", "'$1'", "'Жы'",
};

#endif
