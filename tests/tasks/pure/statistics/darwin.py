"""Darwin's maize: crossed less self-fertilised height of 15 pairs, in eighths of an inch.

Fisher, The Design of Experiments (1935), sections 16 to 21, works them by Student's t and by all 2^15 sign flips.
"""

import numpy as np

MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], np.float64)
