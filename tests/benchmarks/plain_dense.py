"""The notebook's experiment as a plain Keras script, as somebody would write it who has never heard of graft.

"Trouser or not", weights copied, a new head on the frozen layers, the two topmost unfrozen: what the recipe
`fashion-mnist-dense` does. The last line of its output is JSON: seconds of the three trainings, and the accuracy.
"""

import argparse
import json
import time

import keras
from keras import Sequential
from keras.datasets import fashion_mnist
from keras.layers import Dense, Flatten, Input

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=60_000)
arguments = parser.parse_args()


class Clock(keras.callbacks.Callback):
    """When each epoch ended; the first one holds the compilation."""

    def on_train_begin(self, logs=None):
        self.ends = [time.perf_counter()]

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())


def train(model, labels, learning_rate, loss):
    """Compile and fit; seconds in all, and by epoch."""
    began = time.perf_counter()
    optimizer = keras.optimizers.Adam(learning_rate=learning_rate)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    clock = Clock()
    model.fit(x_train, labels, epochs=arguments.epochs, batch_size=32, callbacks=[clock])
    epochs = [end - start for start, end in zip(clock.ends, clock.ends[1:], strict=False)]
    return {"seconds": time.perf_counter() - began, "epochs": epochs}


(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train, y_train = x_train[: arguments.images], y_train[: arguments.images]
trainings = {}

model = Sequential(
    [
        Input(shape=x_train.shape[1:]),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(64, activation="relu"),
        Dense(32, activation="relu"),
        Dense(16, activation="relu"),
        Dense(1, activation="sigmoid"),
    ]
)
trainings["pretrain"] = train(model, (y_train == 1).astype(int), 1e-3, "binary_crossentropy")

clone = keras.models.clone_model(model)
clone.set_weights(model.get_weights())
grafted = Sequential([Input(shape=x_train.shape[1:]), *clone.layers[:-1], Dense(10, activation="softmax")])
for layer in grafted.layers[:-1]:
    layer.trainable = False
trainings["train_head"] = train(grafted, y_train, 1e-3, "sparse_categorical_crossentropy")

for layer in grafted.layers[-3:-1]:
    layer.trainable = True
trainings["fine_tune"] = train(grafted, y_train, 1e-4, "sparse_categorical_crossentropy")

_, accuracy = grafted.evaluate(x_test, y_test)
print()
print(json.dumps({"trainings": trainings, "accuracy": accuracy}))
