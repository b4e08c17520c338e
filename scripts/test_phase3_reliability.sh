#!/usr/bin/env bash
# Six tests of how `ffrtmp watch` survives failures. Fails when one of them fails. Root, and a build: tools/build.
set -uo pipefail
source "$(dirname "$0")/run_labelled_tests.sh"

labelled "1. State is written whole and never lost" watch_reliability_test 'Reliability.WhatWasAttached*:Reliability.AKillAtEach*'
labelled "2. Unreadable state is kept aside" watch_reliability_test 'Reliability.AStateThatCannotBeRead*'
labelled "3. Errors are classed by errno" watch_reliability_test 'Reliability.PermanentResourceAndGone'
labelled "4. Retry with backoff, then dead letters" watch_reliability_test 'Reliability.TriesAt*'
labelled "5. Health goes both ways, also when a scan hangs" watch_reliability_test 'Reliability.Health*:Reliability.AHangingScan*'
labelled "6. A restarted daemon takes over" watch_lifecycle_test 'Lifecycle.AfterAKill*:Lifecycle.OnStopKeep*'
finish
