#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# All ways to forward, with 1 worker(s).
workers=1
. "$top_srcdir/tests/net/modes.sh"
