"""The error of a value that cannot travel."""

import pickle

from cloud.errors import CloudException


class CannotPickle(CloudException, pickle.PicklingError):
    """A function or an argument cannot be pickled; the message says which one and why. Nothing was submitted."""
