/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAULT_POINT(name): false, unless the build has fault injection and it is this point's turn to fail. All of it
 * is in the library's private header, because the library has fault points, too.
 *
 * Thread-safety: any lcore.
 */
#ifndef FAULT_H
#define FAULT_H

#include "fault_point.h"

#endif
