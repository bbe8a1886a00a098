# SPDX-License-Identifier: ISC
# Tests: unit programs (cmocka), vectors, fuzz corpora, the simulator, bats.
