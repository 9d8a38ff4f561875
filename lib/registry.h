/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef REGISTRY_H
#define REGISTRY_H
#endif
