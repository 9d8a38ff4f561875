#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# All ways to forward, with 3 worker(s).
workers=3
. "$top_srcdir/tests/net/modes.sh"
