"""How near int8 comes to float, as the quantization measured it: answers, accuracies, and every layer."""

from __future__ import annotations

from tinyproof.fidelity import NUMBERS, Fidelity
from tinyproof.host.report.sections.words import interval, percent
from tinyproof.page import Section, note, table


def add_fidelity(section: Section, fidelity: Fidelity) -> None:
    """The figures and the table of layers, the worst first."""
    rows = [
        [name, percent(share), interval(around)]
        for name, share, around in (
            (f"same answer on calibration {fidelity.noun}", fidelity.agreement, fidelity.agreement_interval),
            ("accuracy of float", fidelity.accuracy_float, fidelity.accuracy_float_interval),
            ("accuracy of int8", fidelity.accuracy_int8, fidelity.accuracy_int8_interval),
        )
        if share is not None
    ]
    if rows:
        counted = f"{fidelity.images:,} calibration {fidelity.noun}, {fidelity.labelled:,} labelled ones"
        section.add(table(["what", "share", "95% interval"], rows, caption=counted))
    for text in ([fidelity.loss] if fidelity.loss else []) + fidelity.cautions:
        section.add(note(f"{text[0].upper()}{text[1:]}."))
    what = "No pixels" if fidelity.pixels == NUMBERS else f"Pixels {fidelity.pixels}"
    section.add(note(f"{what}: {fidelity.why_pixels}."))
    if fidelity.remedy:
        section.add(note(f"Quantized with the remedy {fidelity.remedy} (docs/training.md)."))
    if fidelity.layers:
        lines = [
            [layer.name, layer.op, f"{layer.snr_db:.1f}", f"{layer.cosine:.4f}", percent(layer.range_used)]
            for layer in fidelity.worst_layers
        ]
        caption = "Signal to noise of int8 against float, the worst layer first"
        section.add(table(["layer", "op", "SNR in dB", "cosine", "int8 range used"], lines, caption=caption))
