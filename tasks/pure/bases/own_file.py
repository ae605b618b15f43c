def read(file, base):
    raise NotImplementedError
