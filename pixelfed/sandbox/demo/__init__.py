"""The world that `make run` shows: a believable photographer, her fans, and what they say."""

from pixelfed.sandbox.demo.photographer import DemoWorld, demo_world

__all__ = ["DemoWorld", "demo_world"]
