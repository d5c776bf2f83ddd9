#!/usr/bin/env bash
# `submit --engine slurm` against a real Slurm: one node, this machine, started and stopped here.
# Usage: tests/slurm.sh PROGRAM
#
# A grid is submitted, cancelled in the middle, submitted again, one task requeued by Slurm, one told that
# its time is over; then all runs have to be done, with the bytes of runs that nothing happened to.
# Needs root and Debian's packages slurm-wlm and munge, which it installs; skipped where it cannot.
set -euo pipefail
program=$(realpath "$1")
skip() { echo "skipped: $*"; exit 0; }
[ "$(uname -s)" = Linux ] || skip "Slurm is for Linux"
[ "$(id -u)" = 0 ] || skip "Slurm's daemons are started as root"

scratch=$(mktemp -d)
log=$scratch/log
mkdir "$log" "$scratch/state" "$scratch/spool"

stop() {
    code=$?
    trap - EXIT
    if [ "$code" -ne 0 ]; then
        echo "failed; the ends of the logs:"
        find "$log" "$scratch" -name '*.log' -o -name 'task-*.txt' -o -name report.txt | sort -u |
            while read -r file; do printf -- '-- %s\n' "$file"; tail -n 15 "$file"; done
    fi
    # In this order, each by its own number: the node first, lest it wait for its controller.
    for daemon in slurmd slurmctld munged; do
        [ -s "$scratch/$daemon.pid" ] || continue
        pid=$(cat "$scratch/$daemon.pid")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT TERM

if ! command -v slurmctld slurmd munged >/dev/null; then
    command -v apt-get >/dev/null || skip "no Slurm here, and no apt-get to install it"
    export DEBIAN_FRONTEND=noninteractive
    install="apt-get install -y --no-install-recommends slurm-wlm munge"
    { timeout 120 apt-get update && timeout 300 $install; } </dev/null >"$log/apt.log" 2>&1 ||
        skip "the packages slurm-wlm and munge could not be installed: $(tail -n 1 "$log/apt.log")"
fi

# --- A cluster of this machine ------------------------------------------------------------------
cores=$(nproc)
memory=$(awk '/^MemTotal/ { print int($2 / 1024 * 0.8) }' /proc/meminfo)
port=$((20000 + $$ % 20000 * 2))
dd if=/dev/urandom of="$scratch/munge.key" bs=128 count=1 2>/dev/null
chmod 400 "$scratch/munge.key"
cat >"$scratch/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued task waits until its old credential has expired: two minutes unless said otherwise.
AuthInfo=socket=$scratch/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$log/slurmctld.log
SlurmdLogFile=$log/slurmd.log
# Without cgroups, which a container need not have.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=2
MpiDefault=none
ReturnToService=2
KillWait=10
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf
# No daemon keeps this script's output open, or whoever reads it would wait for the daemon.
quietly() { "$@" </dev/null >>"$log/start.log" 2>&1; }
quietly munged --force --socket="$scratch/munge.socket" --key-file="$scratch/munge.key" \
    --pid-file="$scratch/munged.pid" --log-file="$log/munged.log" --seed-file="$scratch/munge.seed"
quietly slurmctld -i
quietly slurmd -N localhost

# wait_for SECONDS WHAT COMMAND…: until the command succeeds.
wait_for() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$limit" ] || { echo "waited in vain for $what"; exit 1; }
        sleep 0.2
    done
}
idle() { [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; }
wait_for 30 "Slurm to come up" idle
echo "$(sinfo --version): one node, $cores cores, up after $SECONDS s"

# --- A grid, and what it should come to ---------------------------------------------------------
# A folder whose name would break a careless script.
work="$scratch/it's 100% \"mine\" \$HOME"
mkdir "$work"
cd "$work"
cat >spec.toml <<'SPEC'
name = "slurm"
data = { dataset = "generated-digits", scaling = "unit" }
stream = { family = "shuffled-labels", tasks = 4, examples = 128, steps = 8000, batch_size = 16 }
network = { kind = "mlp", hidden = [64, 64] }
optimizer = "adam"
probes = { names = ["srank"], samples = 64 }
[grid]
activation = ["relu", "randomized-smooth-leaky"]
seeds = "0..2"
SPEC
"$program" run spec.toml --out local --quiet
echo "the grid of 4 runs by itself: after $SECONDS s"

# results FOLDER: every row of every run.
results() {
    (cd "$1/slurm" && for run in */; do
        [ -f "$run/tasks.csv" ] || continue
        echo "$run"
        cat "$run/tasks.csv" "$run/probes.csv"
    done)
}
submit() { "$program" submit spec.toml --out "their results" --engine slurm --chunks 2 --time 10 "$@"; }
status() { "$program" status "their results" "$@"; }
# Number of the job array in what submit said.
array() { sed -n 's/^Submitted to slurm: \([0-9]*\),.*/\1/p'; }
gone() { [ -z "$(squeue --noheader --jobs "$1" 2>/dev/null)" ]; }
# Whether some run has finished a task and goes on.
under_way() { status 2>/dev/null | grep -q ' running, [123] of 4 tasks done'; }
count() { status --summary | awk -v column="$1" '/ slurm / { print $column }'; }
check() { if ! "${@:2}"; then echo "not so: $1"; status; exit 1; fi; }

# --- Written, not submitted ---------------------------------------------------------------------
submit --dry-run >dry.txt
check "a dry run submits nothing" [ -z "$(squeue --noheader)" ]
check "a dry run writes the script" [ -s "their results/slurm/.submit/1/slurm.sh" ]

# --- Submitted, and cancelled in the middle -----------------------------------------------------
job=$(submit | tee submitted.txt | array)
check "the array has a number" [ -n "$job" ]
wait_for 60 "runs to be under way" under_way
status >seen.txt
check "status tells of Slurm's tasks" grep -q "slurm job $job: .*running.*report, job .* pending (Dependency)" seen.txt
scancel "$job"
wait_for 40 "the cancelled array to end" gone "$job"
unfinished=$(count 8)
check "cancelled runs are unfinished, not failed" [ "$unfinished" -ge 1 ] && check "none failed" [ "$(count 7)" = 0 ]
check "a cancelled run has left a checkpoint" grep -qs "Interrupted" "their results/slurm/.submit/2/"task-*.txt
echo "cancelled with $(count 4) of 4 runs done and $unfinished unfinished: after $SECONDS s"

# --- Submitted again: one task requeued, one told that its time is nearly over -------------------
report="their results/slurm/report/index.html"
wait_for 30 "the report of what there is" test -s "$report"
rm -r "their results/slurm/report"
job=$(submit | array)
wait_for 60 "runs to be under way again" under_way
scontrol requeue "${job}_1"
scancel --batch --signal=USR1 "${job}_2"
requeued() { scontrol show job "${job}_$1" 2>/dev/null | grep -q 'Restarts=1 '; }
wait_for 40 "task 1 to be requeued" requeued 1
wait_for 40 "task 2 to requeue itself" requeued 2
echo "both tasks requeued: after $SECONDS s"
wait_for 90 "the array and its report" test -s "$report"
wait_for 20 "the queue to be empty" gone "$job"

check "all 4 runs are done" [ "$(count 4)" = 4 ]
results local >expected.txt
results "their results" >found.txt
check "there is something to compare" [ "$(wc -l <expected.txt)" -gt 40 ]
check "the bytes are those of runs that nothing happened to" cmp expected.txt found.txt
submit >again.txt
check "nothing is left to submit" grep -q "nothing is left to do" again.txt
echo "4 of 4 runs done, $(wc -l <found.txt) lines as without Slurm, report written: after $SECONDS s"
