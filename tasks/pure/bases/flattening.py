def flatten(m):
    return m
