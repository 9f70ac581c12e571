#!/usr/bin/env bash
# Builds the kernel for 64-bit Arm, runs its tests under qemu, among them the frozen bits of the elementary functions,
# and holds a history of the kernel against the same in the dev build of this machine. Installs the cross compiler and
# qemu; says only how it ended. Takes 20 minutes or so on two processors.
set -euo pipefail

REPOQUAKE_SETUP_AARCH64=1
# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$REPOQUAKE_ROOT"

build_preset aarch64
quietly test-aarch64 ctest --preset aarch64 --parallel "$(nproc)" "$@"

# The same history of the kernel, here and there.
bits_of() { "$@" "a history has bits of its own*" | sed -n 's/^bits of the kernel: //p'; }
quietly configure-dev cmake --preset dev
quietly build-dev-model cmake --build --preset dev --target model_test
here=$(bits_of build/dev/model_test)
there=$(bits_of qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/model_test)
if [[ -z $here || $here != "$there" ]]; then
  echo "the kernel's bits differ: $here here, $there on aarch64" >&2
  exit 1
fi
tail -n 20 build/test-aarch64.log | grep -E '^[0-9]+% tests passed'
