/* SPDX-License-Identifier: Apache-2.0 */

/* The epoch protocol as a model for spin. README.md says what each step stands for in the code,
 * what is left out, and what each mutation takes away; run.sh holds the configurations.
 *
 *     process ── send ──▶ fly[] ── queued ──▶ started ──▶ landed      one ClickHouse server:
 *        ▲  ▲                         │          ├─────▶ dropped      row[]    the chains
 *        │  └──────── answer ─────────┴──────────┼─────▶ burned       mark[]   receipts
 *        └─── reads: row[], mark[], clock        └─────▶ gone         recall[] token windows
 *
 * Invariants, asserted where something lands or where a process draws a conclusion:
 *   ONCE   no event lands twice in a target, and no block twice
 *   ALL    who reads a done mark finds every block of that epoch landed; who sees the work done
 *          finds every event in every target
 *   CHAIN  one row per number, no number skipped, every `from` is its partition's end
 *   INTENT a block lands only for a row that is in the chain and valid
 *   BURNS  an attempt above 0 is made only when a token of that slot was burned
 * and no process is left stuck (spin's invalid end states). */

/* ---- size of a configuration; run.sh sets these with -D */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef SOURCES
#define SOURCES 1           /* process p works on source p % SOURCES */
#endif
#ifndef N
#define N 1                 /* numbers in a chain: 1..N */
#endif
#ifndef EVENTS0
#define EVENTS0 1           /* events in partition 0 of every source, at most 2 */
#endif
#ifndef EVENTS1
#define EVENTS1 0           /* events in partition 1 */
#endif
#ifndef BLOCKS
#define BLOCKS 2            /* blocks of an epoch in the one (table, table partition) */
#endif
#ifndef FLIGHTS
#define FLIGHTS 1           /* inserts that can be under way at once, unanswered */
#endif
/* ---- what may go wrong, how often */
#ifndef FAILS
#define FAILS 0             /* inserts answered by a time-out that stay under way */
#endif
#ifndef BURNS
#define BURNS 0             /* kills of the server that leave a token without its part */
#endif
#ifndef KILLS
#define KILLS 0             /* kill -9 of a process */
#endif
#ifndef NAPS
#define NAPS 0              /* the server sleeps for a whole slot */
#endif
#ifndef STEPS
#define STEPS 0             /* the server's clock steps back by one tick */
#endif
#ifndef HEARTS
#define HEARTS 0            /* empty epochs */
#endif
#ifndef LAZY
#define LAZY 0              /* rows sent without looking at `from` (another program wrote them) */
#endif
/* ---- time */
#ifndef TICKS
#define TICKS 2             /* ticks until the clock stands still */
#endif
#ifndef L
#define L 2                 /* length of a slot */
#endif
#ifndef E
#define E 0                 /* longest time from check to visible part */
#endif
#ifndef M
#define M (E + 1 + STEPS)   /* margin */
#endif
#ifndef WINDOW
#define WINDOW (L + M)      /* a token is remembered at least so long */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS (BURNS + 1)
#endif
#ifndef LIMIT
#define LIMIT 1             /* max_execution_time ends an insert that runs longer than E */
#endif

/* ---- mutations: -DMUT=NAME removes one safeguard */
#ifndef MUT
#define MUT 0
#endif
#define NO_TOKEN             1
#define NO_CHAIN_TOKEN       2
#define NO_DEADLINE          3
#define NO_CHAIN_DEADLINE    4
#define DEADLINE_AT_SEND     5
#define NO_LOOK              6
#define NO_REREAD            7
#define TIME_AFTER_ROWS      8
#define BLIND_ATTEMPT        9
#define ATTEMPT_KEPT        10
#define OLD_PROOF           11
#define READ_BEFORE_ANSWER  12
#define TRUST_SUCCESS       13
#define SKIP_NUMBER         14
#define NO_FROM_CHECK       15
#define NO_GUARD            16
#define REMEMBERED_RANGES   17
#define BEFORE_INTENT       18
#define TWO_EPOCHS          19
#define BLOCK_ORDER         20
#define MARK_WITHOUT_BLOCK  21
#define OTHER_SPLIT         22
#define LEDGER_FIRST        23
#define LANE_WITHOUT_SOURCE 24
#define LANE_REUSED         25
#define TOKEN_WITHOUT_SOURCE 26
#define OWN_T0              27
#define NO_ATTEMPT          28
#define OWN_SLOT_LENGTH     29

/* ---- -DREACH=NAME: a run that ends in an error shows that the situation is reached at all */
#ifndef REACH
#define REACH 0
#endif
#define BURNED_THEN_LANDED   1
#define LATE_AND_REFUSED     3
#define PROVED_BY_LATER_MARK 4
#define VOID_ROW             5
#define REACHED(name, condition) assert(!(REACH == name && (condition)))

/* ---- positions: a byte holds one position per partition, two bits each */
#define POS(p0, p1)     ((p0) | (p1) << 2)
#define P0(pos)         ((pos) & 3)
#define P1(pos)         ((pos) >> 2)
#define END             POS(EVENTS0, EVENTS1)
#define EVENTS(f, t)    (((1 << (t)) - 1) & ~((1 << (f)) - 1))
#define MASK(src, f, t) ((EVENTS(P0(f), P0(t)) | EVENTS(P1(f), P1(t)) << 2) << 4 * (src))
#define FITS(f, t, end) ((P0(f) == P0(t) || P0(f) == P0(end)) && \
                         (P1(f) == P1(t) || P1(f) == P1(end)))

/* ---- families: j = 0 is row n of the chain, 1..BLOCKS are blocks, the last is the ledger's */
#define ROW             0
#define LEDGER          (BLOCKS + 1)
#define R(src, n)       ((src) * N + (n) - 1)
#define TOKEN_SRC(src, j) (MUT == TOKEN_WITHOUT_SOURCE && (j) != ROW -> 0 : (src))
#define FAMILY(src, n, j) (R(TOKEN_SRC(src, j), n) * (LEDGER + 1) + (j))

/* ---- time: the clock starts at L, so row 1, whose slots count from 0, is never in slot 0. A slot
 * is held as k + 1, so that slot -1, which a clock that steps back can show, is 0. */
#define LAST            (L + TICKS + NAPS * L)
#define SLOTS           (LAST / L + 2)
#define SLOT0           1
#define LENGTH          (MUT == OWN_SLOT_LENGTH -> L + me : L)
#define SLOT(s, t0)     (((s) + LENGTH - (t0)) / LENGTH)
#define SLOT_END(k, t0) ((t0) + (k) * LENGTH)
#define FAMILY_OF(q)    FAMILY(fly[q].src, fly[q].n, fly[q].j)
#define TOKEN(q)        ((FAMILY_OF(q) * SLOTS + fly[q].k) * ATTEMPTS + fly[q].a)
#define FOREVER         255

#define LANES           (PROCESSES + KILLS)
#define MARK(j, lane)   ((lane) * 2 + ((j) == LEDGER))
#define MARK_OF(n, j)   ((n) * 4 + (MUT == MARK_WITHOUT_BLOCK && (j) != LEDGER -> 0 : (j)))

#define FREE    0           /* state of an insert under way */
#define QUEUED  1           /* sent; the server has not checked the deadline yet */
#define STARTED 2           /* checked; seen in system.processes */
#define SUCCESS 1           /* answers */
#define FAILURE 2

typedef chain_row { bit on; byte lane; byte from; byte to; byte now };
typedef flight { byte st; byte src; byte n; byte j; byte k; byte a; byte left; byte owner;
                 byte lane; byte from; byte to; byte now; byte end; byte half };

chain_row row[SOURCES * N];
byte   landed[SOURCES * N];         /* bit j: block j of the epoch */
byte   got[LEDGER + 1];             /* events in each target block */
byte   mark[LANES * 2];             /* max(_mark) by lane: table, ledger */
byte   recall[SOURCES * N * (LEDGER + 1) * SLOTS * ATTEMPTS];
                                    /* 0: unknown token; else 1 + when it may be forgotten */
flight fly[FLIGHTS + 1];            /* the last one: answered at once */
byte   clock = L;
#if NAPS + STEPS > 0
byte   awake = L;                   /* time in which inserts are made */
#else
#define awake clock
#endif
#ifdef SLOW
byte   answer[PROCESSES];
#endif
byte   fails = FAILS, burns = BURNS, kills = KILLS;
byte   naps = NAPS, steps = STEPS, hearts = HEARTS, lazy = LAZY;
byte   next_lane = PROCESSES;

hidden byte i, x, end_, last, valid, q_;    /* scratch, only within one d_step */

/* ---------------------------------------------------------------- reading */

/* The chain as every reader sees it: last number, ends of the partitions, valid rows as bits. A row
 * is valid when each of its ranges starts where the valid rows before it end. */
inline read_chain(source)
{
    end_ = 0; last = 0; valid = 0; i = 1;
    do
    :: i <= N ->
        x = R(source, i);
        if
        :: row[x].on && (FITS(row[x].from, row[x].to, end_) || MUT == NO_GUARD) ->
            valid = valid | 1 << i; last = i;
            end_ = POS((P0(row[x].from) != P0(row[x].to) -> P0(row[x].to) : P0(end_)),
                       (P1(row[x].from) != P1(row[x].to) -> P1(row[x].to) : P1(end_)))
        :: row[x].on && !(FITS(row[x].from, row[x].to, end_) || MUT == NO_GUARD) -> last = i
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0; x = 0
}

#define RECEIPT(source, n, j) (mark[MARK(j, row[R(source, n)].lane)] >= MARK_OF(n, j))
#define IS_THERE(source, n, j) ((j) == ROW -> row[R(source, n)].on : RECEIPT(source, n, j))
#define IS_DONE(source, n) RECEIPT(source, n, LEDGER)
#define EVERY_BLOCK(source, n) (row[R(source, n)].from == row[R(source, n)].to || \
                                (landed[R(source, n)] | 1 | 1 << LEDGER) == (2 << LEDGER) - 1)

/* ---------------------------------------------------------------- the server */

inline finish(q, result)
{
#ifdef SLOW
    if :: fly[q].owner > 0 -> answer[fly[q].owner - 1] = result :: else fi;
#endif
    fly[q].st = FREE; fly[q].src = 0; fly[q].n = 0; fly[q].j = 0; fly[q].k = 0; fly[q].a = 0;
    fly[q].left = 0; fly[q].owner = 0; fly[q].lane = 0; fly[q].from = 0; fly[q].to = 0;
    fly[q].now = 0; fly[q].end = 0; fly[q].half = 0
}

#define HAS_DEADLINE(q) (MUT != (fly[q].j == ROW -> NO_CHAIN_DEADLINE : NO_DEADLINE))
#define HAS_TOKEN(q)    (MUT != (fly[q].j == ROW -> NO_CHAIN_TOKEN : NO_TOKEN))
#define IN_TIME(q)      (clock + M <= fly[q].end || !HAS_DEADLINE(q))
#define FAMILY_ARGS(q)  fly[q].src, fly[q].n, fly[q].j, fly[q].k - 1, fly[q].a
#define IS_KNOWN(q)     (HAS_TOKEN(q) && recall[TOKEN(q)] != 0)

inline remember(q)
{
    recall[TOKEN(q)] = (awake + WINDOW > LAST + STEPS -> FOREVER : awake + WINDOW + 1)
}

/* A token as old as the window promises may be forgotten or not. */
inline forget(q)
{
    if
    :: recall[TOKEN(q)] != 0 && recall[TOKEN(q)] <= awake + 1 ->
        if :: recall[TOKEN(q)] = 0 :: skip fi
    :: else
    fi
}

/* Token and part become visible in one step. */
inline land(q)
{
    x = R(fly[q].src, fly[q].n);
    if
    :: IS_KNOWN(q) ->
        printf("  server: source %d n=%d j=%d k=%d a=%d dropped\n", FAMILY_ARGS(q))
    :: !IS_KNOWN(q) && fly[q].j == ROW ->
        printf("  server: source %d row %d of lane %d lands\n",
               fly[q].src, fly[q].n, fly[q].lane);
        remember(q);
        assert(!row[x].on); /* CHAIN */
        read_chain(fly[q].src);
        assert(fly[q].n == last + 1 || MUT == SKIP_NUMBER); /* CHAIN */
        assert(FITS(fly[q].from, fly[q].to, end_) || LAZY > 0); /* CHAIN */
        x = R(fly[q].src, fly[q].n);
        row[x].on = 1; row[x].lane = fly[q].lane; row[x].now = fly[q].now;
        row[x].from = fly[q].from; row[x].to = fly[q].to
    :: !IS_KNOWN(q) && fly[q].j != ROW ->
        printf("  server: source %d n=%d j=%d k=%d a=%d lands\n", FAMILY_ARGS(q));
        REACHED(BURNED_THEN_LANDED, fly[q].a > 0);
        remember(q);
        read_chain(fly[q].src);
        assert(valid >> fly[q].n & 1); /* INTENT */
        x = R(fly[q].src, fly[q].n);
        assert(!(landed[x] >> fly[q].j & 1)); /* ONCE */
        assert(!(got[fly[q].half] & MASK(fly[q].src, fly[q].from, fly[q].to))); /* ONCE */
        assert(fly[q].j != LEDGER || EVERY_BLOCK(fly[q].src, fly[q].n)); /* ALL */
        landed[x] = landed[x] | 1 << fly[q].j;
        got[fly[q].half] = got[fly[q].half] | MASK(fly[q].src, fly[q].from, fly[q].to);
        i = MARK(fly[q].j, fly[q].lane);
        if
        :: mark[i] < MARK_OF(fly[q].n, fly[q].j) -> mark[i] = MARK_OF(fly[q].n, fly[q].j)
        :: else
        fi;
        i = 0
    fi;
    x = 0; end_ = 0; last = 0; valid = 0
}

#define CAN_BURN(q) (burns > 0 && HAS_TOKEN(q) && !IS_KNOWN(q))
inline burn(q)
{
    printf("  server: killed; token of source %d n=%d j=%d k=%d a=%d burned\n", FAMILY_ARGS(q));
    burns--;
    remember(q)
}

/* What becomes of insert q, whose client may or may not still wait for the answer. */
proctype server(byte q)
{
end:
    do
    :: d_step { fly[q].st == QUEUED && IN_TIME(q) -> fly[q].st = STARTED; fly[q].left = E }
    :: atomic { fly[q].st == STARTED -> forget(q); d_step { land(q); finish(q, SUCCESS) } }
    :: d_step { fly[q].st == STARTED && CAN_BURN(q) -> burn(q); finish(q, FAILURE) }
    :: d_step {                                     /* refused, cancelled, or lost on the way */
        fly[q].st != FREE ->
        REACHED(LATE_AND_REFUSED, fly[q].st == QUEUED && !IN_TIME(q) && fly[q].j != ROW &&
                (landed[R(fly[q].src, fly[q].n)] >> fly[q].j & 1));
        finish(q, FAILURE) }
    od
}

proctype passing_of_time()
{
end:
    do
    :: d_step {
        clock < LAST -> clock++;
        printf("  clock: %d\n", clock);
#if NAPS + STEPS > 0
        awake++;
#endif
        q_ = 0;
        do
        :: q_ < FLIGHTS ->
            if
            :: LIMIT && fly[q_].st == STARTED && fly[q_].left == 0 -> finish(q_, FAILURE)
            :: LIMIT && fly[q_].st == STARTED && fly[q_].left > 0 -> fly[q_].left--
            :: else
            fi;
            q_++
        :: else -> break
        od;
        q_ = 0 }
#if NAPS > 0
    :: d_step {
        naps > 0 && clock + L <= LAST -> naps--; clock = clock + L;
        printf("  clock: asleep until %d\n", clock) }
#endif
#if STEPS > 0
    :: d_step {
        steps > 0 && clock > L -> steps--; clock--;
        printf("  clock: back to %d\n", clock) }
#endif
    od
}

/* ---------------------------------------------------------------- a process, one of its sources */

#define T0(n, j) ((j) == ROW -> ((n) == 1 -> 0 : row[R(src, (n) - 1)].now) \
                              : row[R(src, n)].now + (MUT == OWN_T0 -> me : 0))
/* Of the open epochs my lane's own comes first: a lane has one epoch at a time. */
#define IS_MY_TURN(n) ((open >> (n) & 1) && (!(open & 1) || row[R(src, n)].lane == lane))
#define LEFT_IN_SLOT (SLOT_END(k, T0(n, j)) - s)
#define HAS_LOOKED     (k == SLOT0 || looked == k + 1 || MUT == NO_LOOK)
#define IS_EMPTY(n)    (row[R(src, n)].from == row[R(src, n)].to)
#define FIRST_BLOCK(n) (IS_EMPTY(n) || MUT == LEDGER_FIRST -> LEDGER : \
                        (MUT == BLOCK_ORDER -> BLOCKS : 1))
#define NEXT_BLOCK(j)  (MUT != BLOCK_ORDER -> (j) + 1 : ((j) == 1 -> LEDGER : (j) - 1))
#define RUNS(q, family) (fly[q].st == STARTED && FAMILY_OF(q) == (family))
#define FREE_FLIGHT    (fly[0].st == FREE || fly[FLIGHTS - 1].st == FREE)
#define FLIGHT         (fly[0].st == FREE -> 0 : FLIGHTS - 1)

inline fill(q)
{
    fly[q].st = QUEUED; fly[q].src = src; fly[q].n = n; fly[q].j = j; fly[q].a = a;
    fly[q].k = (MUT == DEADLINE_AT_SEND -> SLOT(clock, T0(n, j)) : k);
    fly[q].end = SLOT_END(fly[q].k, T0(n, j));
    fly[q].half = (MUT == OTHER_SPLIT && me > 0 && j != ROW && j != LEDGER -> LEDGER - j : j);
    if
    :: j == ROW ->
        fly[q].lane = lane; fly[q].now = now; fly[q].from = from; fly[q].to = to
    :: j != ROW ->
        fly[q].lane = row[R(src, n)].lane;
        fly[q].from = row[R(src, n)].from; fly[q].to = row[R(src, n)].to;
        if
        :: MUT == REMEMBERED_RANGES && to > 0 -> fly[q].from = from; fly[q].to = to
        :: else
        fi
    fi
}

/* Any choice of new events from the position `from`; none only as a heartbeat. */
inline choose_ranges()
{
    to = from;
    if :: skip :: P0(to) < EVENTS0 -> to = to + 1 :: P0(to) + 1 < EVENTS0 -> to = to + 2 fi;
    if :: skip :: P1(to) < EVENTS1 -> to = to + 4 :: P1(to) + 1 < EVENTS1 -> to = to + 8 fi;
    if
    :: to == from && hearts > 0 -> hearts--
    :: to == from && hearts == 0 && P0(from) < EVENTS0 -> to = from + 1
    :: to == from && hearts == 0 && P0(from) >= EVENTS0 -> to = from + 4
    :: else
    fi
}

inline new_family() { a = 0; k = 0; s = 0; result = 0; sent = 0; looked = 0 }
inline new_epoch() { n = 0; j = 0; from = 0; to = 0; now = 0; there = 0; new_family() }

proctype process(byte me)
{
    byte src, lane, n, j;               /* number and family in work */
    byte from, to, now;                 /* what was gathered, and the time before its first chunk */
    byte k, a, s;                       /* slot, attempt, server's time of the last read */
    byte result, sent, looked;          /* answer to the last insert; its slot; slot looked in */
    byte open; bit there;               /* only within one atomic step */

    atomic { src = me % SOURCES; lane = (MUT == LANE_WITHOUT_SOURCE -> 0 : me); goto gather };

reborn:
    atomic {
        printf("P%d: killed, starts again\n", me);
        new_epoch();
        lane = (MUT == LANE_REUSED -> lane : next_lane);
        next_lane++
    };

/* Steps 1, 2 and recovery: see what is open, take it up, or gather new input. */
gather:
    atomic {
        d_step {
            new_epoch();
            read_chain(src);
            i = 1; open = 0;        /* valid epochs that are not done, as bits; bit 0: one is mine */
            do
            :: i <= N ->
                if
                :: (valid >> i & 1) && !IS_DONE(src, i) ->
                    open = open | 1 << i | row[R(src, i)].lane == lane
                :: (valid >> i & 1) && IS_DONE(src, i) -> assert(EVERY_BLOCK(src, i)) /* ALL */
                :: else
                fi;
                i++
            :: else -> break
            od;
            i = 0;
            from = end_; now = clock; there = open == 0 && end_ == END;
            end_ = 0; last = 0; valid = 0
        }
        if
        :: there ->
            d_step {
                i = 1;
                do
                :: i <= LEDGER ->
                    assert((got[i] & MASK(src, 0, END)) == MASK(src, 0, END)); /* ALL */
                    i++
                :: else -> break
                od;
                i = 0
            }
            goto finished
        :: IS_MY_TURN(1) -> n = 1; goto recover
#if N > 1
        :: IS_MY_TURN(2) -> n = 2; goto recover
#endif
#if N > 2
        :: IS_MY_TURN(3) -> n = 3; goto recover
#endif
        :: from != END && (!(open & 1) || MUT == TWO_EPOCHS) -> choose_ranges()
        fi;
        open = 0
    };

/* Step 3: the next number, if what was gathered still follows the chain. */
intent:
    atomic {
        d_step {
            new_family(); j = ROW;
            read_chain(src); n = last + 1; there = FITS(from, to, end_);
            end_ = 0; last = 0; valid = 0
        }
        printf("P%d: intent %d from %d to %d\n", me, n, from, to);
        if
        :: !there && MUT != NO_FROM_CHECK -> goto gather
        :: !there && lazy > 0 -> lazy--
        :: there || MUT == NO_FROM_CHECK
        fi;
        if
        :: n > N -> assert(MUT != 0 || LAZY > 0); goto finished /* CHAIN: no number is wasted */
        :: n <= N
        fi;
        if
        :: MUT == BEFORE_INTENT -> j = 1
        :: skip
        fi;
        there = 0
    };

/* Rule 1: one query reads whether it is there and the server's time. */
insert:
#ifdef SPLIT_READ
    atomic { s = (MUT == TIME_AFTER_ROWS -> IS_THERE(src, n, j) : clock) };
#endif
    atomic {
        d_step {
#ifdef SPLIT_READ
            if
            :: MUT == TIME_AFTER_ROWS -> there = s; s = clock
            :: else -> there = IS_THERE(src, n, j)
            fi;
#else
            s = clock; there = IS_THERE(src, n, j);
#endif
            there = there || (MUT == TRUST_SUCCESS && result == SUCCESS);
            k = SLOT(s, T0(n, j));
        }
        printf("P%d: n=%d j=%d there=%d k=%d\n", me, n, j, there, k - 1);
        if
        :: there && j == ROW && row[R(src, n)].lane == lane -> there = 0; goto mine
        :: there && j == ROW && row[R(src, n)].lane != lane -> there = 0; goto intent
        :: there && j != ROW ->
            REACHED(PROVED_BY_LATER_MARK, mark[MARK(j, row[R(src, n)].lane)] > MARK_OF(n, LEDGER));
            there = 0; goto next_block
        :: !there && LEFT_IN_SLOT < M -> goto wait_for_slot /* rule 2 */
        :: !there && LEFT_IN_SLOT >= M && !HAS_LOOKED -> goto look /* rule 3 */
        :: !there && LEFT_IN_SLOT >= M && HAS_LOOKED
        fi;
        /* rule 5: what the last answer and this read together prove about the token */
        if
        :: k != sent && !((MUT == ATTEMPT_KEPT || MUT == OLD_PROOF) && sent > 0) -> a = 0
        :: MUT == ATTEMPT_KEPT && k != sent && sent > 0
        :: (k == sent || (MUT == OLD_PROOF && sent > 0)) && result == SUCCESS ->
            if :: MUT != NO_ATTEMPT -> a++ :: else fi
        :: k == sent && result == FAILURE && MUT == BLIND_ATTEMPT -> a++
        :: else
        fi;
attempt:
        if
        :: a >= ATTEMPTS -> assert(MUT != 0); goto finished /* BURNS */
        :: else
        fi;
        if
        :: MUT == SKIP_NUMBER && j == ROW && result == FAILURE && n < N -> n++
#ifdef REGATHER
        :: j == ROW && result == FAILURE ->
            d_step { read_chain(src); from = end_; end_ = 0; last = 0; valid = 0 }
            choose_ranges()
#endif
        :: else
        fi;
        result = 0; sent = 0; looked = (looked == k + 1 -> looked : 0); s = 0
    };

/* Rule 4. The insert is answered at once, or stays under way, with its process waiting or not. */
send:
    if
    :: atomic {
        d_step { fill(FLIGHTS) }; result = FAILURE; sent = k;
        if
        :: IN_TIME(FLIGHTS) ->
            if
            :: forget(FLIGHTS); d_step { land(FLIGHTS) }; result = SUCCESS
            :: CAN_BURN(FLIGHTS) -> d_step { burn(FLIGHTS) }
            fi
        :: else -> printf("P%d: n=%d j=%d refused by the deadline\n", me, n, j)
        fi;
        d_step { finish(FLIGHTS, 0) };
        if
        :: MUT == READ_BEFORE_ANSWER && result == SUCCESS -> a++; goto attempt
        :: else -> goto insert
        fi }
    :: atomic {
        fails > 0 && FREE_FLIGHT -> fails--;
        printf("P%d: n=%d j=%d k=%d a=%d times out, is under way\n", me, n, j, k - 1, a);
        d_step { q_ = FLIGHT; fill(q_); q_ = 0 }; result = FAILURE; sent = k; goto insert }
#if KILLS > 0
    :: atomic {
        kills > 0 && FREE_FLIGHT -> kills--;
        d_step { q_ = FLIGHT; fill(q_); q_ = 0 };
        if :: goto reborn :: me == 0 && PROCESSES > SOURCES -> goto finished fi }
    :: atomic {
        kills > 0 -> kills--;
        if :: goto reborn :: me == 0 && PROCESSES > SOURCES -> goto finished fi }
#endif
#ifdef SLOW
    :: atomic {
        FREE_FLIGHT -> printf("P%d: n=%d j=%d k=%d a=%d sent, waits\n", me, n, j, k - 1, a);
        d_step { q_ = FLIGHT; fill(q_); fly[q_].owner = me + 1; q_ = 0 }; sent = k };
       atomic { answer[me] != 0 -> result = answer[me]; answer[me] = 0; goto insert }
#endif
    fi;

/* Rule 3: no insert of this family runs; then everything is read again. */
look:
    atomic {
        !RUNS(0, FAMILY(src, n, j)) && !RUNS(FLIGHTS - 1, FAMILY(src, n, j)) ->
        looked = k + 1;
        if
        :: MUT == NO_REREAD -> a = 0; goto send
        :: else -> goto insert
        fi
    };

wait_for_slot:
end_wait:
    atomic { SLOT(clock, T0(n, j)) != k -> goto insert };

/* The row is mine: from here on the row says what the epoch is. */
mine:
    atomic {
        if
        :: MUT == REMEMBERED_RANGES
        :: else -> from = 0; to = 0
        fi;
        now = 0;
        d_step { read_chain(src); there = valid >> n & 1; end_ = 0; last = 0; valid = 0 }
        if
        :: there && MUT != TWO_EPOCHS -> there = 0
        :: !there && REACH == VOID_ROW -> REACHED(VOID_ROW, 1)
        :: !there || MUT == TWO_EPOCHS -> there = 0; goto gather    /* void */
        fi;
        new_family(); j = FIRST_BLOCK(n); goto insert
    };

recover:
    atomic {
        printf("P%d: takes up epoch %d of lane %d\n", me, n, row[R(src, n)].lane);
        from = 0; to = 0; now = 0; open = 0;
        new_family(); j = FIRST_BLOCK(n); goto insert
    };

/* Step 4: the next block, the ledger's last. Step 5: the done mark is read. */
next_block:
    atomic {
        new_family();
        if
        :: j != LEDGER -> j = NEXT_BLOCK(j); goto insert
        :: j == LEDGER ->
            assert(EVERY_BLOCK(src, n)); /* ALL */
            printf("P%d: epoch %d done\n", me, n);
            goto gather
        fi
    };

finished:
    atomic { new_epoch(); lane = 0; open = 0; src = 0 }
}

init
{
    atomic {
        run process(0); run process(1);
#if PROCESSES > 2
        run process(2);
#endif
#if FLIGHTS > 1
        run server(1);
#endif
        run server(0); run passing_of_time()
    }
}
