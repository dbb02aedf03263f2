# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong in a cell; the sweep goes on."""


class CodecError(Exception):
    """A codec that is not there, or that failed; says which and why."""


class CellError(Exception):
    """Why a cell has no result; the sweep goes on."""
