/* SPDX-License-Identifier: Apache-2.0 */
/* Force-included into every file of ours: functions that must not be used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atoll localtime gmtime ctime asctime strncpy
