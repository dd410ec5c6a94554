/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reference says of each format: what it is, a source of it, a file, and the rows that come of
 * it (as TSV). tests/conform/reference.py runs them, in ClickHouse too where that has the format. */
#ifndef CODEC_FORMAT_EXAMPLES_H
#define CODEC_FORMAT_EXAMPLES_H

#include "codec/decoder.h"

static const struct format_row format_rows[] = {
    {"CSV", "Values between commas, columns by position.", "time DateTime, path String, ms UInt32",
     "", "2024-02-29 12:00:00,/index.html,12\n\"2024-02-29 12:00:01\",\"/a, b\",48\n",
     "2024-02-29 12:00:00\t/index.html\t12\n2024-02-29 12:00:01\t/a, b\t48\n"},
    {"CSVWithNames", "The same, columns by the names in the first line.",
     "ms UInt32, time DateTime", " SETTINGS format_csv_delimiter = ';'",
     "time;ms\n2024-02-29 12:00:00;12\n", "12\t2024-02-29 12:00:00\n"},
    {"CSVWithNamesAndTypes",
     "The same, with the types in the second line; a wanted column of another type stops the file.",
     "ms UInt32, time DateTime", "", "time,ms\nDateTime,UInt32\n2024-02-29 12:00:00,12\n",
     "12\t2024-02-29 12:00:00\n"},
    {"TSV", "Values between tabs, with escapes, columns by position.", "time DateTime, path String",
     "", "2024-02-29 12:00:00\t/a\\tb\n", "2024-02-29 12:00:00\t/a\\tb\n"},
    {"TSVWithNames", "The same, columns by the names in the first line.",
     "time DateTime, ms Nullable(UInt32)", "", "ms\ttime\n\\N\t2024-02-29 12:00:00\n",
     "2024-02-29 12:00:00\t\\N\n"},
    {"TSVWithNamesAndTypes", "The same, with the types in the second line.",
     "time DateTime, ms UInt32", "", "ms\ttime\nUInt32\tDateTime\n12\t2024-02-29 12:00:00\n",
     "2024-02-29 12:00:00\t12\n"},
    {"TSVRaw", "Values between tabs, without escapes.", "time DateTime, path String", "",
     "2024-02-29 12:00:00\tC:\\temp\n", "2024-02-29 12:00:00\tC:\\\\temp\n"},
    {"TSVRawWithNames", "The same, columns by the names in the first line.",
     "time DateTime, path String", "", "path\ttime\n\"a\t2024-02-29 12:00:00\n",
     "2024-02-29 12:00:00\t\"a\n"},
    {"JSONEachRow",
     "A JSON object each record: lines, or one behind the other, or within one array.",
     "time DateTime, user String FROM 'request.user', tags Array(String)", "",
     "{\"time\":\"2024-02-29T12:00:00Z\",\"request\":{\"user\":\"ann\"},\"tags\":[\"a\",\"b\"]}\n",
     "2024-02-29 12:00:00\tann\t['a','b']\n"},
    {"CombinedLog", "Access logs of Apache and nginx with referer and user agent.",
     "time DateTime FROM 'time_local', client IPv4 FROM 'remote_addr', request_uri String, status "
     "UInt16, "
     "agent String FROM 'http_user_agent'",
     "",
     "192.0.2.7 - - [29/Feb/2024:12:00:00 +0100] \"GET /index.html HTTP/1.1\" 200 512 \"-\" "
     "\"curl/8.5\"\n",
     "2024-02-29 11:00:00\t192.0.2.7\t/index.html\t200\tcurl/8.5\n"},
    {"CommonLog", "Access logs without them.",
     "time DateTime FROM 'time_local', request_method String, bytes UInt64 FROM 'body_bytes_sent'",
     "", "192.0.2.7 - - [29/Feb/2024:12:00:00 +0000] \"GET / HTTP/1.1\" 200 512\n",
     "2024-02-29 12:00:00\tGET\t512\n"},
    {"Logfmt", "key=value pairs.", "time DateTime, level String, msg String", "",
     "time=2024-02-29T12:00:00Z level=info msg=\"all is well\"\n",
     "2024-02-29 12:00:00\tinfo\tall is well\n"},
    {"Syslog", "RFC 5424 and RFC 3164, with and without <PRI>.",
     "timestamp DateTime, hostname String, app_name String, severity Nullable(UInt8), message "
     "String",
     "", "<34>1 2024-02-29T12:00:00Z web1 sshd 811 - - session opened\n",
     "2024-02-29 12:00:00\tweb1\tsshd\t2\tsession opened\n"},
    {"LineAsString", "The whole line as one column, to be taken apart by functions.",
     "line String, time DateTime MATERIALIZED parseDateTimeBestEffort(substring(line, 1, 19))", "",
     "2024-02-29 12:00:00 anything\n", "2024-02-29 12:00:00 anything\t2024-02-29 12:00:00\n"},
    {"JSONAsString", "A whole JSON object as one column.",
     "json String, time DateTime MATERIALIZED fromUnixTimestamp(JSONExtractUInt(json, 't'))", "",
     "{\"t\": 1709208000}\n", "{\"t\": 1709208000}\t2024-02-29 12:00:00\n"},
    {"Zeek", "Zeek's own logs, columns by their #fields.",
     "ts DateTime64(6), client IPv4 FROM 'id.orig_h', service Nullable(String)", "",
     "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
     "#fields\tts\tid.orig_h\tservice\n#types\ttime\taddr\tstring\n1709208000.5\t192.0.2.7\t-\n",
     "2024-02-29 12:00:00.500000\t192.0.2.7\t\\N\n"},
    {"JSONCompactEachRow", "A JSON array each line, columns by position.",
     "time DateTime, ms UInt32", "", "[\"2024-02-29 12:00:00\", 12]\n",
     "2024-02-29 12:00:00\t12\n"},
    {"JSONCompactEachRowWithNames", "The same, columns by the names in the first line.",
     "time DateTime, ms UInt32", "", "[\"ms\", \"time\"]\n[12, \"2024-02-29 12:00:00\"]\n",
     "2024-02-29 12:00:00\t12\n"},
    {"Regexp", "Lines cut by a pattern: group i is column i.",
     "time DateTime, level String, message String",
     " SETTINGS format_regexp = '\\\\[(\\\\S+ \\\\S+)\\\\] (\\\\w+) (.*)'",
     "[2024-02-29 12:00:00] INFO starting\n", "2024-02-29 12:00:00\tINFO\tstarting\n"},
};

#endif
