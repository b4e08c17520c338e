#!/usr/bin/env bash
# Five tests of what `ffrtmp watch` reads of a process and filters by. Fails when one of them fails. Root, and a build.
set -uo pipefail
source "$(dirname "$0")/run_labelled_tests.sh"

labelled "1. User, parent, directory and age as the kernel has them" govern_test 'FactsTest.*:RealFacts.*'
labelled "2. Every filter: allow, block, both, unreadable" govern_test 'Filters.*'
labelled "3. Policy files: schema, provenance, faults at their place" watch_test 'PolicyLoader.*'
labelled "4. Directories are resolved, commands' rules win" watch_discovery_test 'Discovery.Directories*:Discovery.ACommandsRule*'
labelled "5. The metadata stands in watch status --json and explain" watch_lifecycle_test 'Lifecycle.Status*:Lifecycle.Explain*'
finish
