# SPDX-License-Identifier: Apache-2.0
# placeholder until src/db brings it
