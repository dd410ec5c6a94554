# SPDX-License-Identifier: Apache-2.0
"""Offsets, local times and windows of column/zone.c against ClickHouse's, at random times and around
every change of offset. usage: zones.py PATH-OF-values [SEED]"""
import os
import random
import subprocess
import sys

import chdb

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Monrovia",
         "America/Sao_Paulo", "Asia/Kathmandu", "Europe/Dublin", "Pacific/Apia", "America/St_Johns",
         "Africa/Casablanca", "Australia/Adelaide", "Europe/Moscow", "America/Santiago",
         "Antarctica/Troll", "Asia/Gaza", "Pacific/Chatham", "America/Caracas", "Asia/Pyongyang"]
UNITS = ["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]


def ours(binary, args, numbers):
    text = "\n".join(map(str, numbers)) + "\n"
    out = subprocess.run([binary] + list(map(str, args)), input=text.encode(), stdout=subprocess.PIPE, check=True)
    return [list(map(int, line.split())) for line in out.stdout.decode().splitlines()]


def numbers_of(sql):
    return [int(x) for x in chdb.query(sql).split()]


def main():
    if chdb.library_path() is None:
        print("skipped: libchdb is not here")
        sys.exit(77)
    binary = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rnd = random.Random(seed)
    n_checked = n_wrong = 0
    wrong_kinds = {}

    def check(what, numbers, got, want):
        nonlocal n_checked, n_wrong
        n_checked += len(numbers)
        for s, a, b in zip(numbers, got, want):
            if a != b and a >= 0:       # a day before 1970 is no DateTime
                n_wrong += 1
                wrong_kinds[what] = wrong_kinds.get(what, 0) + 1
                if wrong_kinds[what] <= 2:
                    print("%s: at %d ours %d, ClickHouse %d" % (what, s, a, b))

    chdb.query("CREATE TABLE IF NOT EXISTS default.t (s Int64) ENGINE = Memory")
    for zone in ZONES:
        times = [rnd.randrange(31536000, 4102444800) for _ in range(400)]
        previous = None
        for day in range(365, 47000):       # changes of offset, by a look at every day
            offset = None
            times_of_day = day * 86400
            if day % 7 == 0:
                times.append(times_of_day + rnd.randrange(-9000, 9000))
        offsets = ours(binary, ["offset", zone], range(31536000, 4102444800, 86400))
        for i, (offset,) in enumerate(offsets):
            if previous is not None and offset != previous:
                edge = 31536000 + i * 86400
                times += [edge - 86400 + rnd.randrange(86400 * 2) for _ in range(3)]
                low, high = edge - 86400, edge
                times += [t for t in range(low - 7200, high + 7200, 5400)]
            previous = offset
        times = sorted(set(t for t in times if 31536000 <= t < 4102444800))
        chdb.query("TRUNCATE TABLE default.t")
        chdb.query("INSERT INTO default.t VALUES " + ",".join("(%d)" % t for t in times))
        order = "FROM default.t ORDER BY s"
        dt = "toDateTime(s, '%s')" % zone
        got = [r[0] for r in ours(binary, ["offset", zone], times)]
        check(zone + " offset", times, got, numbers_of(
            # by the wall clock: timezoneOffset itself is a day off in Apia since it changed sides of the date line
            "SELECT toInt64(toUnixTimestamp(toDateTime(toString(%s), 'UTC'))) - s %s" % (dt, order)))
        got = [r[0] for r in ours(binary, ["local", zone], times)]
        want = numbers_of("SELECT toUnixTimestamp64Second(toDateTime64(formatDateTime(toDateTime(s, 'UTC'), "
                          "'%%Y-%%m-%%d %%H:%%i:%%S'), 0, '%s')) %s" % (zone, order))
        check(zone + " local", times, got, want)
        for unit_at, unit in enumerate(UNITS):
            for count in {"SECOND": [1, 7, 15, 60, 90, 3600], "MINUTE": [1, 5, 7, 15, 30, 60, 90],
                          "HOUR": [1, 2, 3, 5, 6, 12, 24, 25], "DAY": [1, 2, 7, 30], "WEEK": [1, 2, 3],
                          "MONTH": [1, 2, 5], "QUARTER": [1, 3], "YEAR": [1, 3, 10]}[unit]:
                rows = ours(binary, ["bucket", zone, count, unit_at + 3], times)
                want = numbers_of("SELECT toUnixTimestamp(toDateTime(toStartOfInterval(%s, INTERVAL %d %s), '%s')) %s" %
                                  (dt, count, unit, zone, order))
                check("%s %d %s" % (zone, count, unit), times, [r[0] for r in rows], want)
                for t, (start, following) in zip(times, rows):
                    n_checked += 1
                    if not start <= t < following:
                        n_wrong += 1
                        if n_wrong <= 20:
                            print("%s %d %s: %d is not in [%d, %d)" % (zone, count, unit, t, start, following))
                nexts = [r[1] for r in rows]
                again = ours(binary, ["bucket", zone, count, unit_at + 3], nexts)
                before = ours(binary, ["bucket", zone, count, unit_at + 3], [t - 1 for t in nexts])
                for t, row, a, b in zip(times, rows, again, before):
                    n_checked += 1
                    # Windows of these two have parts: what follows one is not always the start of another.
                    has_parts = unit == "HOUR" and zone in ("Antarctica/Troll", "Pacific/Chatham")
                    if (a[0] != row[1] or b[0] != row[0]) and not has_parts:
                        n_wrong += 1
                        if n_wrong <= 20:
                            print("%s %d %s: window %s, next says %s, last second %s" % (zone, count, unit, row, a, b))
    print("zones: %d checked, %d differ, seed %d" % (n_checked, n_wrong, seed))
    sys.stdout.flush()
    os._exit(1 if n_wrong else 0)


main()
