/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the functions on numbers, times, hashes and networks for diff_expr's generator; its format letters,
 * and %a for an argument of any type, %g a number that is not too large, %7 a unit as text, %q the same but week, %T a type of numbers, %v text of a time as people write it, %m a
 * mode of weeks. */
#ifndef DIFFERENTIAL_EXPR_CALLS_H
#define DIFFERENTIAL_EXPR_CALLS_H

/* Results agree to some units in the last place only: never inside another call. */
static const char *const inexact_calls[] = {
    "exp(%n)", "exp2(%n)", "exp10(%g)", "log(%n)", "ln(%F)", "log2(%n)", "log10(%n)", "log1p(%n)", "cbrt(%n)",
    "pow(%n, %g)", "power(%F, %g)", "pow(%n, 2)", "sin(%g)", "cos(%g)", "tan(%g)", "asin(%n)", "acos(%n)",
    "atan(%n)", "atan2(%n, %n)", "hypot(%n, %n)", "sinh(%n)", "cosh(%n)", "tanh(%n)", "asinh(%n)", "acosh(%n)",
    "atanh(%n)", "erf(%n)", "erfc(%n)", "lgamma(%g)", "tgamma(%g)", "sigmoid(%n)", "degrees(%n)", "radians(%n)",
    "greatCircleDistance(%F, %F, %F, %F)", "greatCircleDistance(%g, %g, %g, %g)", "geoDistance(%F, %F, %F, %F)",
    "geoDistance(%g, %g, %g, %g)", "greatCircleAngle(%F, %F, %F, %F)", "greatCircleAngle(f32, %I, f32, %k)",
    "greatCircleDistance(f32, f32 / 8, %I, u8)", "geoDistance(i8, i8, u8, %k)", "pi()", "e()",
};

static const char *const number_calls[] = {
    "accurateCast(%i, '%T')", "accurateCast(%x, '%T')", "accurateCastOrNull(%n, '%T')", "accurateCastOrNull(%F, '%T')",
    "accurateCastOrNull(%x, '%T')", "accurateCastOrDefault(%n, '%T')", "accurateCastOrDefault(%x, 'Int16', toInt16(7))",
    "accurateCastOrDefault(%F, 'UInt64', toUInt64(%k))", "to%TOrDefault(%x)", "to%TOrDefault(%n)", "to%TOrDefault(%F)",
    "toInt8OrDefault(%x, toInt8(-3))", "toFloat64OrDefault(%x, 1.5)", "accurateCastOrNull(u64, 'Float32')",
    "accurateCastOrNull(t, 'UInt64')", "accurateCastOrNull(i64, 'Float64')",
    "isFinite(%n)", "isInfinite(%F)", "isNaN(%n)", "ifNotFinite(%F, %F)", "ifNotFinite(%n, %I)", "sqrt(%n)",
    "bitShiftLeft(%i, u8 %% 70)", "bitShiftRight(%i, u8 %% 70)", "bitShiftLeft(%i, %i)", "bitShiftRight(%i, %I)",
    "bitRotateLeft(%i, %k)", "bitRotateRight(%i, %i)", "bitTest(%i, u8 %% 9)", "bitTest(%i, %k)", "bitTest(i8, i8)",
    "bitCount(%n)", "bitCount(%s)", "bitHammingDistance(%i, %i)", "byteSwap(%i)", "gcd(%i, %i)", "lcm(%i, %i)",
    "gcd(%i, %I)", "lcm(%I, %i)", "factorial(u8 %% 25)", "factorial(%i)", "intExp2(%i)", "intExp10(%i)",
    "intExp2(u8 %% 70)", "intExp10(u8 %% 25)", "roundToExp2(%n)", "roundToExp2(%i)", "roundDuration(%n)",
    "roundDuration(u16)", "roundAge(%n)", "roundAge(u8)", "roundBankers(%F)", "roundBankers(%F, 1)",
    "roundBankers(%i, -1)", "roundBankers(%i, -2)", "intDivOrZero(%i, %F)", "intDivOrZero(%F, %i)",
    "moduloOrZero(%i, %i)", "moduloOrZero(%n, %I)", "moduloOrNull(%i, %i)", "intDivOrNull(%i, %i)",
    "divideOrNull(%n, %n)", "positiveModuloOrNull(%i, %i)", "positiveModulo(%F, %n)", "intDivOrNull(%i, %F)", "intDivOrNull(%F, %i)", "intDivOrNull(%i, %I)",
};

/* Numbers made of times. */
static const char *const time_number_calls[] = {
    "toWeek(%t)", "toWeek(%t, %m)", "toWeek(t6, %m, %Z)", "toYearWeek(%t)", "toYearWeek(%t, %m)",
    "toYearWeek(tk, %m, %Z)", "week(%d, %m)", "toISOWeek(%t)", "toISOYear(%t)", "toISOWeek(t3, %Z)", "toISOYear(tn, %Z)",
    "toRelativeYearNum(%t)", "toRelativeQuarterNum(%t)", "toRelativeMonthNum(%t)", "toRelativeWeekNum(%t)",
    "toRelativeDayNum(%t)", "toRelativeHourNum(%t)", "toRelativeMinuteNum(%t)", "toRelativeSecondNum(%t)",
    "toRelativeHourNum(t, %Z)", "toRelativeDayNum(t6, %Z)", "toRelativeMonthNum(%t, %Z)", "toDaysSinceYearZero(%t)",
    "timezoneOffset(%t)", "timeZoneOffset(toTimeZone(t, %Z))", "age(%q, %t, %t)", "age(%q, %t, %t)",
    "age(%q, %t, %t, %Z)", "age('week', d, nd)", "age('month', d, nd)", "age('day', tn, t6)", "dateDiff(%7, %t, %t)", "dateDiff(%7, %t, %t, %Z)",
    "toDayOfWeek(%t, %k)", "toYYYYMMDDhhmmss(%t, %Z)", "toMillisecond(t6, %Z)", "toDayOfYear(%t, %Z)",
    "toUnixTimestamp64Second(%t)",
};

/* Text made of times, and times outside the range that is compared further. */
static const char *const time_text_calls[] = {
    "toString(toDateOrDefault(%y))", "toString(toDateTimeOrDefault(%y))", "toString(toDateTimeOrDefault(%y, %Z))",
    "toString(toDateTime64OrDefault(%y, 3))", "toString(parseDateTimeBestEffortUSOrZero(%v, %Z))",
    "toString(parseDateTime64BestEffortUSOrZero(%v, 0, %Z))", "toString(parseDateTimeOrZero(%y))",
    "formatDateTime(%t, '%%a %%b %%c %%C %%d %%D %%e %%f %%F')", "formatDateTime(%t, '%%g|%%G|%%h|%%H|%%i|%%I|%%j|%%k|%%l')",
    "formatDateTime(%t, '%%m%%M%%n%%p%%Q%%r%%R%%s%%S%%t%%T')", "formatDateTime(t6, '%%u %%V %%w %%W %%y %%Y %%z %%%%', %Z)",
    "formatDateTime(%t, '%%Y-%%m-%%d %%H:%%i:%%S')", "formatDateTime(%t, '%%z %%f')", "formatDateTime(%t, %C)",
    "fromUnixTimestamp(u32, '%%Y-%%m-%%d %%T')", "fromUnixTimestamp(i32, '%%F %%R', %Z)", "fromUnixTimestamp(toInt64(u32) * 2 - 1000000000, '%%F %%T')", "fromUnixTimestamp(t, '%%V')",
    "dateName('month', %t)", "dateName('weekday', %t)", "dateName('year', %t)", "dateName('dayofyear', %t)",
    "dateName('week', %t)", "dateName('quarter', %t)", "dateName('day', %t)", "dateName('hour', t6, %Z)",
    "dateName('minute', %t)", "dateName('second', %t)", "monthName(%t)",
    "toString(makeDateTime(1960 + u8, %k, %k, %I, u8, %g))", "toString(addNanoseconds(%t, i32))", "toString(addMilliseconds(%t, u32))", "toString(makeDate(%g, %g, %g))", "toString(fromDaysSinceYearZero(%i))", "toString(makeDate(1960 + u8, %k, %k))",
    "toString(makeDateTime64(1880 + u16 %% 450, %k, %k, u8, %I, %F))",
    "toString(makeDateTime64(2024, %k, u8 %% 33, u8, u8, u8, %i, 6))",
    "toString(makeDateTime64(2024, %k, %k, %I, 0, 0, %F, 3, %Z))",
    "toString(makeDateTime64(2000 + u16 %% 300, %k, 1, 0, 0, 0, %k, 9))",
};

static const char *const time_calls[] = {
    "addNanoseconds(%t, ni32)", "addMicroseconds(%t, %k)", "addMilliseconds(%t, i16)", "subtractNanoseconds(t3, %k)",
    "subtractMicroseconds(%t, i8)", "subtractMilliseconds(t, i8)", "addDate(%t, INTERVAL %k %U)",
    "subDate(%t, INTERVAL %k %U)", "addDays(%t, %k / 2)", "addHours(t, 1.5)", "subtractMinutes(%t, i8 / 3)",
    "addSeconds(%t, i16 / 4)", "addMonths(%t, i8 / 2)",
    "parseDateTime(formatDateTime(%t, '%%Y-%%m-%%d %%T'))", "parseDateTimeOrNull(%y)", 
    "parseDateTime(%y, '%%Y-%%m-%%d')", "parseDateTimeOrNull(%y, '%%Y-%%m-%%dT%%T', %Z)", "parseDateTimeOrNull(%y, '%%F %%R')",
    "parseDateTime(formatDateTime(%t, '%%a %%b %%e %%Y %%r'), '%%a %%b %%e %%Y %%r')",
    "parseDateTime(formatDateTime(%t, '%%W, %%d %%M %%y %%I:%%i:%%S %%p'), '%%W, %%d %%M %%y %%I:%%i:%%S %%p', %Z)",
    "parseDateTime(formatDateTime(t, '%%D %%k.%%i'), '%%D %%k.%%i')", "parseDateTime(formatDateTime(%t, '%%Y/%%j'), '%%Y/%%j')",
    "parseDateTime(formatDateTime(%t, '%%GW%%V%%u'), '%%GW%%V%%u')", "parseDateTime(formatDateTime(%t, '%%m %%d'), '%%m %%d')",
    "parseDateTime(formatDateTime(t6, '%%FT%%T.%%f%%z', %Z), '%%FT%%T.%%f%%z')",
    "parseDateTimeOrNull(formatDateTime(t, '%%H%%i%%s'), '%%H%%i%%s')", "parseDateTimeOrNull(formatDateTime(t, '%%w %%V %%g'), '%%w %%V %%g')",
    "parseDateTimeOrNull(concat(toString(u16), '-', toString(u8 %% 15), '-', toString(u8 %% 33)), '%%Y-%%c-%%e')",
    "parseDateTimeOrNull(concat(toString(u8), ' ', toString(%k)), '%%H %%l')", "parseDateTimeOrNull(concat(%y, %C), '%%Y-%%m-%%d %%H:%%i:%%s')",
    "accurateCastOrNull(%y, 'Date')", "accurateCastOrNull(%y, 'DateTime')", "accurateCastOrNull(%y, 'DateTime64(3)')",
    "accurateCastOrNull(u16 %% 60000 + 500, 'Date')", "accurateCastOrNull(%t, 'Date')", "accurateCastOrNull(%t, 'DateTime')",
    "parseDateTimeBestEffortUS(%v)", "parseDateTimeBestEffortUSOrNull(%v)", 
    "parseDateTime64BestEffortUS(%v)", "parseDateTime64BestEffortUSOrNull(%v, 6)", "parseDateTimeBestEffortOrNull(%v)",
    "parseDateTime64BestEffortOrNull(%v)", "parseDateTimeBestEffortOrNull(%v)",
    "parseDateTimeBestEffortUSOrNull(%y)", "parseDateTime32BestEffort(%v)",
    "toDateTimeOrDefault(%y, %Z, toDateTime('2001-02-03 04:05:06'))", "toDateOrDefault(%y, toDate('2001-02-03'))",
    "accurateCastOrNull(u32 + 100000000, 'DateTime')",
    "toStartOfISOYear(%t)", "toStartOfISOYear(t6, %Z)", "toLastDayOfWeek(%t)", "toLastDayOfWeek(%t, %m)",
    "toLastDayOfWeek(tk, %m, %Z)", "toStartOfWeek(%t, %m)", "toStartOfWeek(tn, %m, %Z)", 
    "makeDate(1971 + u8 / 2, u8 %% 12 + 1, %k)", "makeDate(1971 + u8 / 2, u16 %% 365 + 1)", 
    "makeDateTime(1971 + u8 / 2, u8 %% 12 + 1, %k, u8 %% 100, u8 %% 100, u8 %% 100)",
    "makeDateTime(2024, u8 %% 12 + 1, %k, 12, u8 %% 100, u8 %% 60, %Z)",
    "makeDateTime64(2024, u8 %% 12 + 1, %k, u8 %% 100, %k, %k, %i, 6)",
    "makeDateTime64(2024, u8 %% 12 + 1, %k, 7, 0, 0, u16, 3, %Z)", "makeDateTime64(2000 + u16 %% 100, u8 %% 12 + 1, 1, 0, 0, 0, %k, 9)",
    "fromDaysSinceYearZero(720028 + u16 %% 48000)", "toStartOfMillisecond(%t)",
    "toStartOfMicrosecond(%t)", "toStartOfNanosecond(t3)", "toStartOfMillisecond(t6, %Z)", "dateTrunc(%7, %t)",
    "dateTrunc(%7, %t)", "dateTrunc(%7, tn)", "dateTrunc(%7, tk, %Z)", "dateTrunc(%7, t6, %Z)", "timeSlot(%t)",
    "timeSlot(t3, %Z)", "toStartOfInterval(tn, INTERVAL %k %U, toDateTime('1971-05-06 07:08:09', 'America/New_York'))",
    "toStartOfInterval(t, INTERVAL %k %U, toDateTime('1990-12-31 23:00:01'))",
    "toStartOfInterval(t, INTERVAL %k %U, toDateTime('1971-05-31 00:00:00'), %Z)",
    "toStartOfInterval(d, INTERVAL %k %U, toDate('1971-05-31'))", "date_bin(%t, INTERVAL %k %U)",
};

static const char *const hash_calls[] = {
    "MD5(%s)", "SHA1(%s)", "SHA224(%s)", "SHA256(%s)", "SHA384(%s)", "SHA512(%s)", "sipHash128(%s)", "murmurHash3_128(%s)",
    "MD5(concat(%s, toString(%t), toString(%t), toString(%t), toString(%t)))",
    "cityHash64(%a)", "cityHash64(%a, %a)", "cityHash64(%a, %a, %a)", "farmHash64(s)", "farmHash64(%4, s, %t)",
    "farmFingerprint64(%a)", "metroHash64(%a)", "metroHash64(%a, %a)", "sipHash64(%a)", "sipHash64(%a, %a)",
    "halfMD5(%a)", "halfMD5(%a, %a)", "xxHash32(%a)", "xxHash32(%a, %a)", "xxHash64(%a)", "xxHash64(%a, %a)",
    "xxh3(%a)", "xxh3(%a, %a)", "murmurHash2_32(%a)", "murmurHash2_32(%a, %a)", "murmurHash2_64(%a)",
    "murmurHash2_64(%a, %a)", "gccMurmurHash(%a)", "gccMurmurHash(%a, %a)", "kafkaMurmurHash(%a)",
    "kafkaMurmurHash(%a, %a)", "murmurHash3_32(%a)", "murmurHash3_32(%a, %a)", "murmurHash3_64(%a)",
    "murmurHash3_64(%a, %a)", "javaHash(%a)", "javaHashUTF16LE(s)", "hiveHash(%a)", "intHash32(%i)", "intHash64(%i)",
    "intHash32(%a)", "intHash64(%a)", "CRC32(%s)", "CRC32IEEE(%s)", "CRC64(%s)", "URLHash(%s)", "URLHash(concat(%s, '/'))",
    "xxh3(concat(%s, %s, toString(%t), %s, toString(%t)))", "farmHash64(concat(%s, toString(%t), toString(%t)))",
    "murmurHash3_64(concat(%s, toString(%t), %s))", "metroHash64(concat(%s, toString(%t), toString(%t)))",
    "cityHash64(concat(toString(%t), %s, toString(%t), toString(%t), toString(%t)))",
    "sipHash64(concat(toString(%t), %s))", "murmurHash2_64(concat(toString(%t), %s))",
    "farmHash64(concat(toString(%t), toString(%t), toString(%t), toString(%t), toString(%t), toString(%t), "
    "toString(%t), toString(%t), toString(%t), toString(%t), toString(%t), toString(%t), toString(%t), %s))",
    "halfMD5(concat(toString(%t), toString(%t), %s, toString(%t)))", "xxHash64(concat(toString(%t), %s, toString(%t)))",
};

static const char *const network_calls[] = {
    "toIPv4OrDefault(%z)", "toIPv6OrDefault(%z)", "accurateCastOrNull(%z, 'IPv4')", "accurateCastOrDefault(%z, 'IPv6')",
    "toIPv4OrDefault(%z, toIPv4('9.8.7.6'))",
    "IPv4NumToString(%4)", "IPv4NumToString(u32)", "IPv4NumToString(%i)", "IPv4NumToStringClassC(%4)",
    "IPv4NumToStringClassC(u16)", "IPv4StringToNum(%z)", "IPv4StringToNumOrDefault(%z)", "IPv4StringToNumOrNull(%z)",
    "IPv4ToIPv6(%4)", "IPv6NumToString(%6)", "cutIPv6(%6, %k, 1)", "cutIPv6(%6, 0, %k)", "isIPv4String(%z)",
    "isIPv6String(%z)", "isIPAddressInRange(%z, concat(%z, '/', toString(u8)))", "isIPAddressInRange(%4, '1.2.0.0/15')",
    "isIPAddressInRange(%4, concat(IPv4NumToString(%4), '/', toString(%k)))", "isIPAddressInRange(%6, '2001:d00::/22')",
    "isIPAddressInRange(%z, '::ffff:0:0/96')", "isIPAddressInRange(%z, '0.0.0.0/0')", "MACNumToString(u64)",
    "MACNumToString(%i)", "MACStringToNum(MACNumToString(u64))", "MACStringToNum(%s)",
    "MACStringToOUI(MACNumToString(u64))", "MACStringToOUI(left(MACNumToString(u64), %k))",
    "MACStringToNum(concat(left(toString(t), 16), 'g'))", "INET_NTOA(u32)", "INET_ATON(%z)",
};

/* Arrays, maps and values of any type out of texts; tables of values. */
static const char *const list_calls[] = {
    "extractAll(toValidUTF8(%w), %R)", "extractAll(%w, %W)", "extractGroups(toValidUTF8(%w), %G)", "extractAllGroups(toValidUTF8(%w), %G)",
    "extractAllGroupsVertical(toValidUTF8(%w), %G)", "extractAllGroupsHorizontal(toValidUTF8(%w), %G)", "splitByRegexp(%R, toValidUTF8(%w))",
    "splitByRegexp(%R, toValidUTF8(%w), %p)", "splitByRegexp('', %w)", "splitByNonAlpha(%w)", "splitByNonAlpha(%w, %p)", "alphaTokens(%w)", "alphaTokens(%u, 2)",
    "length(extractAll(toValidUTF8(%w), '.'))", "arrayStringConcat(extractAll(toValidUTF8(%w), %R), '|')", "extractAll(%u, '[a-z]+')",
    "multiMatchAny(toValidUTF8(%w), [%M, %M])", "multiMatchAny(toValidUTF8(%w), [%M])", "multiMatchAnyIndex(toValidUTF8(%w), [%M, %M, %M]) > 0",
    "multiMatchAny(%u, ['^http', '\\\\.com', 'a=\\\\d'])", "multiMatchAnyIndex(%u, ['example', 'www', '[?#]']) > 0",
    "JSONExtract(%j%K, '%J')", "JSONExtract(sj%K, '%J')", "JSONExtract(sj, 'a', '%J')", "JSONExtract(sj, '%J')", "JSONExtract(sj, 'a', '%J')", "JSONExtract(concat('[', sn, ',', s, ']'), '%J')",
    "JSONExtract(concat('{\"a\":\"', sd, '\",\"b\":[', sn, ',', sn, ']}'), 'Tuple(a %J, b Array(%J))')", "JSONExtract(concat('[', toString(%i), ',', toString(%F), ']'), 'Array(%J)')",
    "JSONExtractKeys(sj%K)", "JSONExtractKeys(lj)", "JSONExtractArrayRaw(sj%K)", "JSONExtractArrayRaw(sj, 'a')", "JSONExtractKeysAndValues(sj%K, '%J')",
    "JSONExtractKeysAndValues(sj, '%J')", "JSONExtractKeysAndValuesRaw(sj%K)", "JSONExtractCaseInsensitive(sj, 'A', '%J')", "JSONExtractKeysCaseInsensitive(sj, 'A')",
    "JSONExtractArrayRawCaseInsensitive(sj, 'A')", "JSONExtractKeysAndValuesCaseInsensitive(sj, 'A', '%J')", "JSONExtractKeysAndValuesRawCaseInsensitive(sj, 'A')",
    "JSON_VALUE(%j, '%Q')", "JSON_VALUE(%j, '%Q')", "JSON_QUERY(%j, '%Q')", "JSON_EXISTS(%j, '%Q')",
    "extractKeyValuePairs(%w)", "extractKeyValuePairs(concat(%w, ':', %w, ', ', %s, ':\"', %w, '\"'))", "extractKeyValuePairs(%u, '=', '&?')", "extractKeyValuePairs(concat('a=', %w, ';b=', %s), '=', ';')",
    "extractKeyValuePairs(%w, ':', ' ,', '\"', 'ACCEPT')", "extractKeyValuePairs(%w, ':', ' ,', '\'', 'INVALID')", "extractKeyValuePairs(%j, ':', ',{}')",
    "transform(%i, [0, 1, 255, -1], [%I, %I, %I, %I], %n)", "transform(%i, [0, 1, 2, 300], ['a', 'b', '', 'c'], %s)", "transform(u8, [0, 1, 300], [5, 6, 7])", "transform(i32, [-1, 127], [0.5, 2])",
    "transform(s, ['a', 'abc', ''], ['x', 'y', 'z'], %C)", "transform(%s, ['a', 'b', NULL], [1, NULL, 3], %I)", "transform(lc, ['a', 'abc'], ['x', 'y'])", "transform(%F, [0.5, 1.5, nan], ['h', 'i', 'j'], 'k')",
    "transform(f64, [0, 1], [1, 0])", "transform(#E, ['a', 'b'], [1, 2], 0)", "transform(ni32, [1, NULL, 127], ['one', 'none', 'x'], toString(u8))", "transform(d, [toDate('2024-02-29')], ['leap'], '')",
    "IPv4CIDRToRange(ip4, u8 %% 40)", "IPv4CIDRToRange(u32, u8)", "IPv6CIDRToRange(ip6, u8)", "IPv6CIDRToRange(toIPv6(ip4), u8 %% 130)", "IPv6StringToNum(%z)", "IPv6StringToNumOrDefault(%z)", "IPv6StringToNumOrNull(%z)",
    "parseDateTime64(%y, '%%Y-%%m-%%d %%H:%%i:%%s')", "parseDateTime64OrNull(%y, '%%Y-%%m-%%d %%H:%%i:%%s.%%f', %Z)", "parseDateTime64OrZero(%y, '%%Y-%%m-%%d')", "parseDateTime64OrNull(toString(t6), '%%F %%T.%%f', %Z)",
    "parseDateTime64OrZero(toString(t3))", "toDate32OrZero(%y)", "toDecimal32OrDefault(%x, 2)", "toDecimal64OrDefault(%x, 3, toDecimal64(7, 3))", "toDecimal128OrDefault(%x, 1)",
    "makeDate32(u16 %% 400 + 1900, u8 %% 14, i8)", "makeDate32(u16 %% 500 + 1850, u16 %% 370)", "makeDate32(%n, %k, %k)",
};

/* Spellings of one another that the other lists leave to chance. */
static const char *const plain_calls[] = {
    "toUInt8OrNull(%x)", "toUInt8OrZero(%x)", "toUInt8OrDefault(%x)", "toUInt16OrNull(%x)", "toUInt16OrZero(%x)", "toUInt16OrDefault(%x)",
    "toUInt32OrNull(%x)", "toUInt32OrZero(%x)", "toUInt32OrDefault(%x)", "toUInt64OrNull(%x)", "toUInt64OrZero(%x)", "toUInt64OrDefault(%x)",
    "toInt8OrNull(%x)", "toInt8OrZero(%x)", "toInt8OrDefault(%x)", "toInt16OrNull(%x)", "toInt16OrZero(%x)", "toInt16OrDefault(%x)",
    "toInt32OrNull(%x)", "toInt32OrZero(%x)", "toInt32OrDefault(%x)", "toInt64OrNull(%x)", "toInt64OrZero(%x)", "toInt64OrDefault(%x)",
    "toFloat32OrNull(%x)", "toFloat32OrZero(%x)", "toFloat32OrDefault(%x)", "toFloat64OrNull(%x)", "toFloat64OrZero(%x)", "toFloat64OrDefault(%x)",
    "toDecimal32OrNull(%x, 3)", "toDecimal32OrZero(%x, 2)", "toDecimal64OrNull(%x, 3)", "toDecimal64OrZero(%x, 2)", "toDecimal128OrNull(%x, 3)",
    "toDecimal128OrZero(%x, 2)", "toUInt16(%x)", "JSONExtractBoolCaseInsensitive(%j, 'A')", "JSONExtractFloatCaseInsensitive(sj, 'A')",
    "JSONExtractRawCaseInsensitive(%j, 'A')", "JSONExtractUIntCaseInsensitive(%j, 'A')", "addMinutes(%t, i8)", "addQuarters(%t, %k)",
    "addWeeks(%t, %k)", "addSeconds(%t, i16)", "addMilliseconds(t3, i16)", "addHours(%t, i8)", "addDays(%t, i8)", "subtractDays(%t, %k)",
    "subtractMonths(%t, %k)", "subtractQuarters(%t, %k)", "subtractSeconds(%t, i16)", "subtractWeeks(%t, %k)", "subtractYears(%t, 1)",
    "subtractMinutes(%t, i8)", "subtractHours(%t, %k)", "fromUnixTimestamp64Micro((toInt64(u32) + 100000000) * 1000000 + u16)",
    "fromUnixTimestamp64Second(toInt64(u32) + 100000000)", "notILike(toValidUTF8(%s), %P)", "notLike(%s, %P)", "ilike(toValidUTF8(%s), %P)", "like(%w, %P)",
    "parseDateTime64BestEffortOrZero(%y)", "parseDateTime64BestEffortOrZero(%y, 6, %Z)", "timeZoneOf(%t)", "toDate32OrDefault(%y)",
    "toDate32OrDefault(%y, toDate32('2024-02-29'))", "toDateOrZero(%y)", "toDateTime64OrZero(%y, 3)", "toDateTime64OrZero(%y, 0, %Z)",
    "(t3 + toIntervalMicrosecond(u16))", "(t3 - toIntervalNanosecond(%k))", "(%t - toIntervalSecond(i16))", "(%t + toIntervalMillisecond(%k))",
    "toStartOfFiveMinute(%t)",
};

#endif
