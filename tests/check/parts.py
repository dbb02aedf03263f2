# SPDX-License-Identifier: LGPL-2.1-or-later
"""Optional parts of the build, for tests that need one. meson names those that
were left out in WALLOC_TESTS_LACK; a test run by hand finds all there."""
import os
import unittest

LACKS = os.environ.get('WALLOC_TESTS_LACK', '').split()


def needs(part):
    """Decorator of a test or a class of tests: skipped where the build was
    made without `part`, an option of meson ('onnx' or 'jpeg')."""
    return unittest.skipIf(part in LACKS, f'this build is without {part}')
