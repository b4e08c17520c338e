#!/usr/bin/env bash
# Six tests of how `ffrtmp watch` finds processes. Fails when one of them fails. Root, and a build: tools/build.
set -uo pipefail
source "$(dirname "$0")/run_labelled_tests.sh"

labelled "1. Targets that run and targets that start are found" watch_discovery_test 'Discovery.ARunningTarget*'
labelled "2. The daemon's own children are no targets" watch_discovery_test 'Discovery.TheDaemonsOwnChildren*'
labelled "3. Each target is attached once" watch_discovery_test 'Discovery.EachTarget*'
labelled "4. Without events the scan finds them" watch_discovery_test 'Discovery.WithoutEvents*'
labelled "5. Lost events cause a full look" watch_discovery_test 'Discovery.LostEvents*'
labelled "6. Statistics, status table and JSON" watch_lifecycle_test 'Lifecycle.Status*'
finish
