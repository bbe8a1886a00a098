# SPDX-License-Identifier: ISC
# One program a file; each links only the libraries it uses.
