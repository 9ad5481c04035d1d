"""The report as one Markdown file."""

from collections.abc import Sequence
from typing import Any

from miface.report.tables import accuracy_table, attack_table, identification_table, source_line

_TEXT = """# What the recognisers give away

{source}

## How good the recognisers are

{accuracy}

The 2020 report measured its Table 1 on the 280 photos that it trained on: the column of training
photos. Only the held-out photos say how good a recogniser is.

## Whom one recognises

{identified}

Recognisers fitted on the held-out photos alone look at each image: *pixels* (principal components
and linear discriminants), *shape* (histograms of oriented gradients) and *network* (a small
convolutional network). How often each is right on the training photos, which it never saw, stands
in its heading. *First* and *among five*: of how many people it sees the right one. *Line-up*: it
picks the person out of five or says none of them; *none*: it says none where the person is
missing. Guessing gets {chance[top1]:.1%}, {chance[top5]:.1%} and {chance[lineup]:.0%}. *Rank by
nearest photo*: the person's place when all people are ordered by their nearest training photo.

## What each attack recovered

{attacks}

Means over the people attacked, against each person's best training photo by that measure, on
grey values in [0, 1] (in brackets on 0 to 255). *Aligned* is after the one gain and offset that
bring the recovered image nearest to the photo: a recovered image is right only up to brightness
and contrast. *Ended by*: how many attacks stopped at α iterations, by the β rule, or at cost γ.
Of the 2020 report's tables no more than the last column is known here.

{figures}"""


def markdown(
    metrics: dict[str, Any],
    methods: Sequence[str],
    models: Sequence[str],
    figures: list[tuple[str, str, str]],
) -> str:
    """Write the report.

    Parameters
    ----------
    metrics
        The content of ``reports/metrics.json``.
    methods, models
        Which of them to show, in order.
    figures
        (heading, file relative to the report, alternative text), in order.
    """
    return _TEXT.format(
        source=source_line(metrics["data"]),
        accuracy=accuracy_table(metrics, models),
        identified=identification_table(metrics, methods, models),
        chance=metrics["chance"],
        attacks=attack_table(metrics, methods, models),
        figures="\n".join(
            f"## {heading}\n\n![{text}]({file})\n" for heading, file, text in figures
        ),
    )
