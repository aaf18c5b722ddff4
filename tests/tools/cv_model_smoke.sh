#!/bin/sh
# Runs the smoke test of tools/cv-model with the interpreter that the tool itself uses.
set -eu
root=$(dirname "$(readlink -f "$0")")/../..
"$root/tools/cv-model/setup"
exec nice -n 5 "$root/tools/cv-model/.venv/bin/python" "$root/tests/tools/cv_model_smoke.py" "$@"
