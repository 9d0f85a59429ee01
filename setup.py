"""Builds the package; everything about it is in setup.cfg."""

from setuptools import setup

setup()
