"""Lets modules of trainers be imported where what only GPUs need is not installed: those packages are objects that do nothing."""

import importlib.abc
import importlib.machinery
import sys
import types
from unittest.mock import MagicMock

ABSENT = {
    "aiohttp", "bitsandbytes", "cachetools", "codetiming", "deepspeed", "fastapi", "flash_attn", "loralib", "optree",
    "orjson", "pylatexenc", "qwen_vl_utils", "ray", "ring_flash_attn", "tensordict", "torchdata", "torchvision", "transfer_queue", "uvicorn",
    "vllm", "wandb", "zmq",
}


class Stub(types.ModuleType):
    """A module in which every name is found."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {}) if name[:1].isupper() else MagicMock(name=f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Stub(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def install(*modules):
    """Has packages that are absent be found, and further modules by their names."""
    sys.meta_path.insert(0, Finder())
    for name in modules:
        sys.modules[name] = Stub(name)
