#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the model of the epoch protocol with spin. One line per configuration, and at the end
# "N passed, 0 failed".
#
#   run.sh          the configurations of `make test`: under a minute on two cores, under 4 GiB
#   run.sh deep     larger ones too: some minutes
#   run.sh NAME     one configuration; prints the steps of its counterexample
#
# holds   no error in the whole state space        breaks  a safeguard is missing: an assertion fails
# ends    no run goes on for ever                  loops   a safeguard is missing: a run goes on for ever
# reaches a situation the model is meant to cover does occur
#
# WEIR_MODEL_JOBS (2) configurations run at a time.

here=$(cd "$(dirname "$0")" && pwd)
model=$here/epochs.pml

configurations() {
    cat <<'END'
holds   clock_steps_back     -DSTEPS=1 -DL=3 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
holds   server_asleep        -DNAPS=1 -DFAILS=1 -DTICKS=1 -DBLOCKS=1
holds   burn                 -DFAILS=1 -DBURNS=1 -DTICKS=2 -DBLOCKS=1
holds   two_partitions_kill  -DEVENTS1=1 -DN=2 -DKILLS=1 -DTICKS=0
holds   two_sources_kill     -DSOURCES=2 -DKILLS=1 -DTICKS=2
holds   overrun              -DE=1 -DM=1 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
holds   window               -DFAILS=1 -DTICKS=3 -DBLOCKS=1
holds   two_blocks_late      -DFAILS=1
holds   two_blocks_burn      -DFAILS=1 -DBURNS=1 -DTICKS=1
holds   three_processes      -DPROCESSES=3 -DFAILS=1 -DTICKS=0 -DBLOCKS=1
holds   waiting_burn         -DSLOW -DBURNS=1 -DFAILS=1 -DTICKS=1 -DBLOCKS=1
holds   time_before_rows     -DSPLIT_READ -DFAILS=1 -DTICKS=2 -DBLOCKS=1
holds   two_sources          -DSOURCES=2 -DFAILS=1 -DTICKS=2 -DBLOCKS=1
holds   two_sources_shared   -DSOURCES=2 -DPROCESSES=3 -DTICKS=1
holds   two_late             -DFLIGHTS=2 -DFAILS=2 -DTICKS=1 -DBLOCKS=1
holds   two_partitions       -DEVENTS1=1 -DN=2 -DFAILS=1 -DTICKS=0
holds   gather_again         -DREGATHER -DEVENTS1=1 -DN=2 -DFAILS=1 -DTICKS=0
holds   one_after_another    -DEVENTS0=2 -DN=2 -DBURNS=1 -DTICKS=1
holds   kill_late            -DKILLS=1 -DFAILS=1 -DTICKS=1
holds   heartbeat            -DHEARTS=1 -DN=2 -DFAILS=1 -DTICKS=0
holds   void_rows            -DLAZY=1 -DEVENTS1=1 -DN=3 -DTICKS=1
ends    every_run_ends       -DFAILS=1 -DBURNS=1 -DTICKS=1 -DBLOCKS=1
loops   no_attempt           -DMUT=NO_ATTEMPT -DBURNS=1 -DTICKS=1 -DBLOCKS=1
reaches burned_then_landed   -DREACH=BURNED_THEN_LANDED -DBURNS=1
reaches late_and_refused     -DREACH=LATE_AND_REFUSED -DFAILS=1
reaches proved_by_later_mark -DREACH=PROVED_BY_LATER_MARK -DEVENTS1=1 -DN=2 -DTICKS=0
reaches void_row             -DREACH=VOID_ROW -DLAZY=1 -DN=2 -DTICKS=1
breaks  no_token             -DMUT=NO_TOKEN -DFAILS=1
breaks  no_chain_token       -DMUT=NO_CHAIN_TOKEN -DFAILS=1
breaks  no_deadline          -DMUT=NO_DEADLINE -DFAILS=1
breaks  no_chain_deadline    -DMUT=NO_CHAIN_DEADLINE -DFAILS=1
breaks  deadline_at_send     -DMUT=DEADLINE_AT_SEND -DFAILS=1
breaks  no_margin            -DM=0 -DFAILS=1
breaks  margin_below_step    -DM=1 -DSTEPS=1 -DL=3 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
breaks  no_time_limit        -DLIMIT=0 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
breaks  small_window         -DWINDOW=1 -DFAILS=1
breaks  no_look              -DMUT=NO_LOOK -DE=1 -DM=1 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
breaks  no_look_asleep       -DMUT=NO_LOOK -DNAPS=1 -DFAILS=1 -DTICKS=1 -DBLOCKS=1
breaks  look_without_reading -DMUT=NO_REREAD -DE=1 -DM=1 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
breaks  blind_attempt        -DMUT=BLIND_ATTEMPT -DATTEMPTS=2 -DFAILS=1
breaks  attempt_kept         -DMUT=ATTEMPT_KEPT -DFAILS=1 -DBURNS=1 -DBLOCKS=1
breaks  old_proof            -DMUT=OLD_PROOF -DFAILS=1 -DBURNS=1 -DBLOCKS=1
breaks  read_before_answer   -DMUT=READ_BEFORE_ANSWER -DATTEMPTS=2
breaks  trust_success        -DMUT=TRUST_SUCCESS -DBURNS=1
breaks  skip_number          -DMUT=SKIP_NUMBER -DN=2 -DFAILS=1
breaks  no_from_check        -DMUT=NO_FROM_CHECK -DN=2
breaks  no_guard             -DMUT=NO_GUARD -DLAZY=1 -DEVENTS1=1 -DN=3 -DTICKS=1
breaks  remembered_ranges    -DMUT=REMEMBERED_RANGES -DREGATHER -DEVENTS1=1 -DN=2 -DFAILS=1 -DTICKS=0
breaks  before_intent        -DMUT=BEFORE_INTENT
breaks  two_epochs_of_a_lane -DMUT=TWO_EPOCHS -DEVENTS1=1 -DN=2 -DTICKS=0
breaks  blocks_out_of_order  -DMUT=BLOCK_ORDER
breaks  mark_without_block   -DMUT=MARK_WITHOUT_BLOCK
breaks  ledger_first         -DMUT=LEDGER_FIRST
breaks  other_split          -DMUT=OTHER_SPLIT
breaks  own_t0               -DMUT=OWN_T0 -DFAILS=1 -DTICKS=3
breaks  own_slot_length      -DMUT=OWN_SLOT_LENGTH -DFAILS=1 -DTICKS=3
breaks  lane_without_source  -DMUT=LANE_WITHOUT_SOURCE -DSOURCES=2
breaks  token_without_source -DMUT=TOKEN_WITHOUT_SOURCE -DATTEMPTS=2 -DSOURCES=2 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
breaks  lane_reused          -DMUT=LANE_REUSED -DEVENTS1=1 -DN=2 -DKILLS=1 -DTICKS=0
deep    window_deep          -DFAILS=1 -DTICKS=5
deep    burn_deep            -DFAILS=1 -DBURNS=1 -DTICKS=3
deep    burn_four_ticks      -DFAILS=1 -DBURNS=1 -DTICKS=4 -DBLOCKS=1
deep    two_burns            -DFAILS=1 -DBURNS=2 -DTICKS=2 -DBLOCKS=1
deep    waiting_burn_deep    -DSLOW -DFAILS=1 -DBURNS=1 -DTICKS=2 -DBLOCKS=1
deep    time_before_deep     -DSPLIT_READ -DFAILS=1 -DTICKS=3 -DBLOCKS=1
deep    time_after_rows      -DMUT=TIME_AFTER_ROWS -DSPLIT_READ -DFAILS=1 -DTICKS=3 -DBLOCKS=1
deep    time_after_deep      -DMUT=TIME_AFTER_ROWS -DSPLIT_READ -DFAILS=1 -DBURNS=1 -DTICKS=2 -DBLOCKS=1
deep    overrun_deep         -DE=1 -DM=1 -DFAILS=1 -DTICKS=4
deep    slow_commit          -DL=3 -DE=1 -DFAILS=1 -DTICKS=4
deep    server_asleep_deep   -DNAPS=1 -DFAILS=1 -DTICKS=2
deep    clock_steps_burn     -DSTEPS=1 -DL=3 -DFAILS=1 -DBURNS=1 -DTICKS=3 -DBLOCKS=1
deep    kill_deep            -DEVENTS1=1 -DN=2 -DKILLS=1 -DTICKS=1
deep    kill_and_late        -DEVENTS1=1 -DN=2 -DKILLS=1 -DFAILS=1 -DTICKS=0
deep    three_late           -DPROCESSES=3 -DFAILS=1 -DTICKS=1 -DBLOCKS=1
deep    three_with_kill      -DPROCESSES=3 -DKILLS=1 -DTICKS=1 -DBLOCKS=1
deep    three_with_burn      -DPROCESSES=3 -DFAILS=1 -DBURNS=1 -DTICKS=1 -DBLOCKS=1
deep    two_late_blocks      -DFLIGHTS=2 -DFAILS=2 -DTICKS=2
deep    two_sources_deep     -DSOURCES=2 -DFAILS=1 -DTICKS=3 -DBLOCKS=1
deep    sources_shared_late  -DSOURCES=2 -DPROCESSES=3 -DFAILS=1 -DTICKS=2 -DBLOCKS=1
deep    two_partitions_deep  -DEVENTS1=1 -DN=2 -DFAILS=1 -DTICKS=1
END
}

# The invariant that the counterexample in the current folder violates: the tag behind the assertion.
# shellcheck disable=SC2086
violated() {
    line=$(spin -t $defines epochs.pml 2>&1 |
        sed -n 's/^spin: epochs.pml:\([0-9]*\), Error: assertion.*/\1/p' | head -1)
    sed -n "${line:-0}s|.*/\* \([A-Z]*\).*|\1|p" epochs.pml 2>/dev/null
}

# Runs one configuration in a folder of its own and prints its line. A whole state space is gone
# through by optimised code; a counterexample is near, so there the compiler decides the time.
check() {
    kind=$1 name=$2 defines=$3
    mkdir -p "$work/$name" && cd "$work/$name" && cp "$model" . || exit 1
    compile="-O0 -DSAFETY" search="" memory=1700 limit=300
    case $kind in
    holds) compile="-O1 -DSAFETY" ;;
    deep) compile="-O2 -DSAFETY" memory=6000 limit=1200 ;;
    ends | loops) compile="-O1 -DNP" search=-l ;;
    esac

    result="no error found" passed=0
    # shellcheck disable=SC2086
    if ! spin -a $defines epochs.pml >spin.out 2>&1 ||
        ! ${CC:-cc} -w $compile -DCOLLAPSE -DNOCLAIM -DNOFAIR -DMEMLIM=$memory -o pan pan.c >cc.out 2>&1; then
        result="the model does not compile: $(cat spin.out cc.out 2>/dev/null | head -3 | tr '\n' ' ')"
    else
        timeout $limit ./pan $search -m20000 -w22 >pan.out 2>&1
        states=$(awk '/states, stored/ { print $1 }' pan.out)
        if grep -q 'errors: 0$' pan.out && ! grep -q -e 'not completed' -e 'depth too small' pan.out; then
            result="${states} states, all of them"
            case $kind in holds | deep | ends) passed=1 ;; esac
        elif grep -q 'non-progress cycle' pan.out; then
            result="a run that does not end"
            [ "$kind" = loops ] && passed=1
        elif grep -q 'assertion violated' pan.out; then
            result="$(violated) violated"
            [ "$kind" = reaches ] && result="reached"
            case $kind in breaks | reaches) passed=1 ;; esac
        elif grep -q 'invalid end state' pan.out; then
            result="a process is stuck"
        else
            result="not finished: memory, depth or time ran out"
        fi
    fi
    [ $passed = 1 ] && verdict=ok || verdict=FAIL
    printf '%-4s  %-7s %-21s %s\n' $verdict "$kind" "$name" "$result" | tee "$work/$name.result"
    if [ -n "$show_steps" ] && [ -f epochs.pml.trail ]; then
        # shellcheck disable=SC2086
        spin -t -T $defines epochs.pml | grep -e '^P[0-9]' -e '^  server' -e '^  clock' -e Error
    fi
    [ -n "$show_steps" ] || rm -rf "${work:?}/$name"
}

if ! command -v spin >/dev/null; then
    echo "skip  model: spin is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-model.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
started=$SECONDS
case ${1:-quick} in
quick) chosen=$(configurations | grep -v '^deep ') ;;
deep) chosen=$(configurations) ;;
*)
    chosen=$(configurations | awk -v name="$1" '$2 == name')
    show_steps=1
    [ -n "$chosen" ] || { echo "no configuration is called $1; there are:" && configurations; exit 2; }
    ;;
esac
export work model show_steps
export -f check violated

xargs -P "${WEIR_MODEL_JOBS:-2}" -L 1 bash -c 'check "$1" "$2" "${*:3}"' check <<<"$chosen"

all=$(wc -l <<<"$chosen")
passed=$(cat "$work"/*.result 2>/dev/null | grep -c '^ok ')
times >"$work/times"
echo "model: $((SECONDS - started)) s; of CPU, user and system: $(tail -1 "$work/times")"
echo "$passed passed, $((all - passed)) failed"
[ "$passed" = "$all" ]
