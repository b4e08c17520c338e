# Sourced by the suites beside it: runs tests of the build under a label and counts what failed.
build=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build
run=0
failed=0

# Where cmake puts a program of the release build. Other builds lie in folders of their own below it.
program_of() {
  local file
  for file in "$build/$1" "$build"/tests/*/"$1"; do
    if [ -f "$file" ] && [ -x "$file" ]; then
      echo "$file"
      return
    fi
  done
}

# labelled LABEL PROGRAM FILTER: green only when the program ran at least one test and none failed or was left out.
labelled() {
  local program log
  program=$(program_of "$2")
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
