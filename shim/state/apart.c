/* SPDX-License-Identifier: MIT */
#include "state/apart.h"

_Atomic int wt_apart;
