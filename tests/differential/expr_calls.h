/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the functions on numbers, times, hashes and networks for diff_expr's generator; its format letters,
 * and %a for an argument of any type, %g a number that is not too large. */
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
    "isFinite(%n)", "isInfinite(%F)", "isNaN(%n)", "ifNotFinite(%F, %F)", "ifNotFinite(%n, %I)", "sqrt(%n)",
    "bitShiftLeft(%i, u8 %% 70)", "bitShiftRight(%i, u8 %% 70)", "bitShiftLeft(%i, %i)", "bitShiftRight(%i, %I)",
    "bitRotateLeft(%i, %k)", "bitRotateRight(%i, %i)", "bitTest(%i, u8 %% 9)", "bitTest(%i, %k)", "bitTest(i8, i8)",
    "bitCount(%n)", "bitCount(%s)", "bitHammingDistance(%i, %i)", "byteSwap(%i)", "gcd(%i, %i)", "lcm(%i, %i)",
    "gcd(%i, %I)", "lcm(%I, %i)", "factorial(u8 %% 25)", "factorial(%i)", "intExp2(%n)", "intExp10(%n)",
    "intExp2(u8 %% 70)", "intExp10(u8 %% 25)", "roundToExp2(%n)", "roundToExp2(%i)", "roundDuration(%n)",
    "roundDuration(u16)", "roundAge(%n)", "roundAge(u8)", "roundBankers(%F)", "roundBankers(%F, 1)",
    "roundBankers(%i, -1)", "roundBankers(%i, -2)", "intDivOrZero(%n, %n)", "intDivOrZero(%F, %n)",
    "moduloOrZero(%i, %i)", "moduloOrZero(%n, %I)", "moduloOrNull(%i, %i)", "intDivOrNull(%i, %i)",
    "divideOrNull(%n, %n)", "positiveModuloOrNull(%i, %i)", "positiveModulo(%F, %n)", "intDivOrNull(%n, %n)",
};

static const char *const hash_calls[] = {
    "cityHash64(%a)", "cityHash64(%a, %a)", "cityHash64(%a, %a, %a)", "farmHash64(%a)", "farmHash64(%a, %a)",
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

#endif
