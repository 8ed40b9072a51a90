"""How near int8 comes to float, for the terminal, and the stop where it does not come near enough."""

from __future__ import annotations

from tinyproof import advice
from tinyproof.console import UserError, console, table
from tinyproof.export.pixels import USUAL
from tinyproof.export.remedies import REMEDIES, Trials, best
from tinyproof.fidelity import NUMBERS, Fidelity
from tinyproof.statistics import Interval

SHOWN = 5  # of the worst layers
FEW_PICTURES = 100
EATEN = 0.2  # of the int8 range used by all but one value in a thousand


def print_trials(base: Fidelity, trials: Trials) -> None:
    """What each remedy makes of it, on the same pictures, and how to have the best."""
    if not trials.tried:
        console.print("No remedy could be tried on this network.")
        return
    has_agreement, has_labels = base.agreement is not None, base.accuracy_int8 is not None
    columns = [*["same answer"] * has_agreement, *["accuracy"] * has_labels, "SNR"]
    rows = table(f"Remedies, on the same {base.noun}", "remedy", *columns, text=1)
    for one in (base, *trials.tried):
        shares = [*[one.agreement] * has_agreement, *[one.accuracy_int8] * has_labels]
        figures = [*("–" if each is None else f"{each:.1%}" for each in shares), f"{one.output_snr_db:.1f} dB"]
        rows.add_row(one.remedy or "none", *figures)
    if has_labels and base.accuracy_float is not None:
        rows.add_row("(float)", *["100.0%"] * has_agreement, f"{base.accuracy_float:.1%}", "")
    console.print(rows)
    for one in trials.tried:
        console.print(f"{one.remedy}: {REMEDIES[one.remedy]}", markup=False)
    found = best(base, trials)
    if found and not base.loss:
        again = advice.setting("remedy", found.remedy)
        console.print(f"The same command with {again} keeps {_kept(found)}.")


def print_fidelity(fidelity: Fidelity, found: bool) -> None:
    """The range of pixels where it was `found` or asked for, the answers of both, and the worst layers."""
    if fidelity.pixels == NUMBERS:
        console.print(f"no pixels: {fidelity.why_pixels}", markup=False)
    elif found:
        console.print(
            f"pixels {fidelity.pixels}: {fidelity.why_pixels} ({_other(fidelity)} to say otherwise)", markup=False
        )
    remedy = f", with the remedy {fidelity.remedy}" if fidelity.remedy else ""
    rows = table(f"Int8 against float{remedy}", "", "")
    if fidelity.agreement is not None:
        rows.add_row(
            f"same answer on {fidelity.images:,} calibration {fidelity.noun}",
            share(fidelity.agreement, fidelity.agreement_interval),
        )
    if fidelity.accuracy_float is not None and fidelity.accuracy_int8 is not None:
        rows.add_row(
            f"accuracy of float on {fidelity.labelled:,} labelled",
            share(fidelity.accuracy_float, fidelity.accuracy_float_interval),
        )
        rows.add_row("accuracy of int8", share(fidelity.accuracy_int8, fidelity.accuracy_int8_interval))
    rows.add_row("signal to noise of the outputs", f"{fidelity.output_snr_db:.1f} dB")
    console.print(rows)
    if fidelity.layers:
        worst = table("The layers that lose most", "layer", "op", "SNR", "cosine", "range used", text=2)
        for layer in fidelity.worst_layers[:SHOWN]:
            worst.add_row(
                layer.name, layer.op, f"{layer.snr_db:.1f} dB", f"{layer.cosine:.4f}", f"{layer.range_used:.0%}"
            )
        console.print(worst)
    for caution in fidelity.cautions:
        console.print(f"Caution: {caution}{'' if caution.endswith('?') else '.'}", markup=False)


def share(value: float, interval: Interval | None) -> str:
    """`97.5% (95.1% to 98.9%)`."""
    return f"{value:.1%}" + (f" ({interval.low:.1%} to {interval.high:.1%})" if interval else "")


def refuse_loss(fidelity: Fidelity, trials: Trials | None = None) -> None:
    """Raise UserError where too much is lost: both figures, the remedy that helps or the likely cause, what to do."""
    if not fidelity.loss:
        return
    found = best(fidelity, trials) if trials else None
    cause = _cause(fidelity)
    if found and not found.loss:
        again = advice.setting("remedy", found.remedy)
        cause = f"the same command with {again} keeps {_kept(found)}, measured above"
    elif found:
        cause += f"; of the remedies {found.remedy} keeps most, {_kept(found)}, which is too little"
    raise UserError(f"{fidelity.loss}: {cause}; or go on with {advice.setting('accept_loss', True)}")


def _kept(fidelity: Fidelity) -> str:
    if fidelity.accuracy_int8 is not None:
        return f"{fidelity.accuracy_int8:.1%}"
    return f"{fidelity.output_snr_db:.1f} dB" if fidelity.agreement is None else f"{fidelity.agreement:.1%}"


def _cause(fidelity: Fidelity) -> str:
    eaten = [layer for layer in fidelity.worst_layers[:SHOWN] if layer.range_used < EATEN]
    if fidelity.cautions:
        more = "" if ":" in fidelity.cautions[0] else f"; calibrate with more and varied {fidelity.noun}"
        return f"{fidelity.cautions[0]}{more}"
    if fidelity.images < FEW_PICTURES:
        return f"{fidelity.images} {fidelity.noun} are few to calibrate with; give some hundreds"
    if eaten:
        gives_answers = eaten[0].name == fidelity.layers[-1].name
        cure = "train with weight decay (its kernel_regularizer)" if gives_answers else "use ReLU6 there"
        return (
            f"an outlier takes the range of layer '{eaten[0].name}' ({eaten[0].range_used:.0%} of it is used); {cure}, "
            f"or give fewer odd {fidelity.noun} to calibrate with"
        )
    layer = f"layer '{fidelity.worst_layers[0].name}' loses most, " if fidelity.layers else ""
    if fidelity.pixels == NUMBERS:
        return f"{layer}or its inputs differ much in size; scale each to about -1..1 before the training"
    return f"{layer}or the network wants its pixels in another range than {fidelity.pixels}: try {_other(fidelity)}"


def _other(fidelity: Fidelity) -> str:
    return " or ".join(advice.setting("pixels", name) for name in USUAL if name != fidelity.pixels)
