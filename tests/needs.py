"""What some tests need of the machine; without it they are skipped, and say why."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinyproof.export.golden import golden_available

PUBLIC_DATA = Path(os.environ.get("TINYPROOF_DATA", ""))  # a folder of data sets and models

golden = pytest.mark.skipif(not golden_available(), reason="TFLM's wheel exists for Linux on x86-64 alone")
tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow: pip install '.[train]'")
gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="needs gcc and g++")
platformio = pytest.mark.skipif(find_spec("platformio") is None, reason="needs PlatformIO: pip install '.[boards]'")
portable = pytest.mark.skipif(find_spec("ziglang") is None, reason="needs ziglang: pip install '.[portable]'")
public_data = pytest.mark.skipif("TINYPROOF_DATA" not in os.environ, reason="TINYPROOF_DATA names no folder")
stm32loader = pytest.mark.skipif(find_spec("stm32loader") is None, reason="needs stm32loader: pip install '.[boards]'")
esptool = pytest.mark.skipif(find_spec("esptool") is None, reason="needs esptool: pip install '.[boards]'")
