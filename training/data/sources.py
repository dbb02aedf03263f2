# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files of each package may be photographs, and which are not.

GLOBS: package -> patterns over the path inside the package (an archive member
is "archive path!inner path").  EXCLUDED: (pattern, reason), checked on the
same path; these are pictures that pass the automatic rules and that a person
looking at the contact sheet took out, or whose rights are unclear.
"""

GLOBS = {
    'endless-sky-high-dpi': ['*/images/land/*.jpg', '*/images/scene/*.jpg'],
    'gcompris-qt-data': ['*.rcc!*.webp', '*.rcc!*.jpg', '*.rcc!*.png'],
    'krank': ['*/unera-backgrounds/*.jpg'],
    'lomiri-wallpapers-16.04': ['*/backgrounds/*.jpg'],
    'lomiri-wallpapers-20.04': ['*/backgrounds/*.jpg'],
    'kphotoalbum': ['*/kphotoalbum/demo/*.jpg'],
    'palapeli-data': ['*/palapeli/collection/*.jpg'],
    'digikam-data': ['*/digikam/about/images/*.jpg'],
    'labelme-examples': ['*/JPEGImages/*.jpg', '*/tutorial/*.jpg'],
    'python-kivy-examples': ['*/kivy-examples/*.jpg'],
    'mate-backgrounds': ['*/mate/*.jpg'],
    # Drawings and rendered shapes in the main: the photographs by name.
    'plasma-workspace-wallpapers': [
        '*/wallpapers/%s/contents/images/*.jpg' % name
        for name in ('BytheWater', 'ColorfulCups', 'EveningGlow',
                     'FallenLeaf', 'Kite', 'OneStandsOut', 'Path',
                     'summer_1am')],
    'lxqt-themes': ['*/lxqt/wallpapers/*.jpg', '*/lxqt/wallpapers/*.png'],
    'opencv-doc': ['*/examples/data/*.jpg', '*/examples/data/*.png'],
    'python3-skimage': ['*/skimage/data/*.png', '*/skimage/data/*.jpg'],
    'libjxl-testdata': ['*/jxl/flower/flower.png',
                        '*/wesaturate/500px/*_srgb8.png'],
}

# Sources that were never JPEG as far as can be told: native resolution stays.
LOSSLESS = ['*/libjxl-testdata/*', '*/skimage/data/*.png']

EXCLUDED = [
    # Rights.
    ('*/[Ll]ena*', 'Lena is not used'),
    ('*/baboon.jpg', 'USC-SIPI scan, rights unclear'),
    ('*/messi5.jpg', 'press photograph, rights unclear'),
    # Drawn or rendered.
    ('*/mate/abstract/Elephants*', 'fractal'),
    ('*/lxqt/wallpapers/kde-plasma.png', 'rendered'),
    ('*/lxqt/wallpapers/triangles*', 'rendered'),
    ('*/lxqt/wallpapers/waves*', 'rendered'),
    ('*/images/scene/eso0*', 'artist\'s impression'),
    ('*/umang_by_Abhishek_Mudgal.jpg', 'gradients'),
    ('*/Fossa_by_Jasper_Roks.jpg', 'gradients'),
    ('*/Infinite-Sea_by_Aury88.jpg', 'photo montage with drawn parts'),
    ('*/demo/pictures/images/Ill1.jpg', 'rendered'),
    ('*/shader/tex3.jpg', 'tiled texture'),
    ('*/skimage/data/color.png', 'colour wheel'),
    ('*/examples/data/starry_night.jpg', 'painting'),
    ('*/examples/data/pca_test1.jpg', 'shapes'),
    ('*/examples/data/ela_modified.jpg', 'edited copy of ela_original'),
    ('*/.readme/*', 'screenshot'),
    # Photographs, but nothing a picture codec is judged on.
    ('*/skimage/data/hubble_deep_field.jpg', 'star field'),
    ('*/skimage/data/ihc.png', 'microscopy'),
    ('*/skimage/data/retina.jpg', 'fundus picture on black'),
    # Second views of one scene.
    ('*/examples/data/aloeR.jpg', 'stereo twin of aloeL'),
    ('*/examples/data/graf3.png', 'same wall as graf1'),
    ('*/examples/data/leuvenB.jpg', 'same street as leuvenA'),
    ('*/skimage/data/motorcycle_right.png', 'stereo twin'),
    ('*/JPEGImages/00000104.jpg', 'later frame of 00000100'),
]

# Where a file beside the pictures says more than debian/copyright does.
LICENCES = [
    ('*/lxqt/wallpapers/*', 'CC-BY-SA-3.0'),
]
