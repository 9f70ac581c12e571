#!/usr/bin/env bash
# Builds the kernel for 64-bit Arm and runs its tests under qemu: among them are the frozen bits of the elementary
# functions, which are those of x86-64. Installs the cross compiler and qemu; says only how it ended. Takes 15 minutes or so.
set -euo pipefail

REPOQUAKE_SETUP_AARCH64=1
# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$REPOQUAKE_ROOT"

build_preset aarch64
quietly test-aarch64 ctest --preset aarch64 --parallel "$(nproc)" "$@"
tail -n 20 build/test-aarch64.log | grep -E '^[0-9]+% tests passed'
