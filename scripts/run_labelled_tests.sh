# Sourced by the suites beside it: runs tests of the build under a label and counts what failed.
build=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build
run=0
failed=0

# labelled LABEL PROGRAM FILTER: green only when the program ran at least one test and none failed or was left out.
labelled() {
  local program log
  program=$(find "$build" -maxdepth 3 -type f -name "$2" -perm -u+x 2>/dev/null | head -n 1)
  log=$(mktemp)
  run=$((run + 1))
  if [ -n "$program" ] && "$program" --gtest_filter="$3" >"$log" 2>&1 &&
    grep -q '^\[  PASSED  \] [1-9]' "$log" && ! grep -q '^\[  SKIPPED \]' "$log"; then
    echo "ok      $1"
  else
    failed=$((failed + 1))
    echo "FAILED  $1"
    [ -n "$program" ] || echo "        $2 is not built"
    grep -E '^\[  (FAILED|SKIPPED)|Failure|no process events|needs root' "$log" | sed 's/^/        /' | sort -u | head -20
  fi
  rm -f "$log"
}

finish() {
  echo "$((run - failed)) of $run passed"
  [ "$failed" -eq 0 ]
}
