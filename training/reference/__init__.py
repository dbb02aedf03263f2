# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models of kind reference: the published codec's architecture."""
