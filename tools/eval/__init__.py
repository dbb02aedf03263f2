# SPDX-License-Identifier: LGPL-2.1-or-later
"""What walloc-eval is made of."""
