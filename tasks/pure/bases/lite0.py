def build(file, base):
    raise NotImplementedError
