"""How each of the four recognisers is made from photos and parameters."""

from collections.abc import Callable
from dataclasses import asdict

import torch

from miface.models.autoencoders import pretrain, start_at_random, start_from_principal_components
from miface.models.networks import (
    Architecture,
    ConvolutionalNetwork,
    MultilayerPerceptron,
    Network,
    SoftmaxRegression,
    StackedAutoencoder,
    build,
    initialise,
    start_with_signed_dirac,
)
from miface.models.training import Epoch, Photos, train_classifier
from miface.params import Params

Log = Callable[[dict[str, float]], None]


def train(architecture: Architecture, photos: Photos, params: Params, log: Log) -> Network:
    """Build and train one recogniser.

    Parameters
    ----------
    architecture
        What `miface.models.networks.architecture_of` describes.
    photos
        Grey values in [0, 1] in rows, and labels, on the device to train on.
    params
        All parameters; read are ``seed`` and the model's own group.
    log
        Receives the measures of each epoch by name: ``train/loss`` and so on for the classifier,
        ``outer/train`` and so on for the reconstruction errors of the autoencoders.

    Returns
    -------
    Network
        The trained network, in evaluation mode.
    """
    torch.manual_seed(params.seed)  # dropout, and the initial weights that stay PyTorch's own
    generator = torch.Generator().manual_seed(params.seed)
    network = build(architecture).to(photos.x.device)

    def log_epoch(epoch: Epoch) -> None:
        log({name.replace("_", "/"): value for name, value in asdict(epoch).items()})

    match network:
        case SoftmaxRegression():
            initialise(network.first, params.softmax.initial_weights, generator)
            train_classifier(network, photos, params.softmax, generator, log_epoch)
        case MultilayerPerceptron():
            initialise(network.first, params.mlp.initial_weights, generator)
            initialise(network.output, params.mlp.initial_output_weights, generator)
            train_classifier(network, photos, params.mlp, generator, log_epoch)
        case StackedAutoencoder():
            codes = _pretrain(network, photos, params, generator, log)
            initialise(network.classifier.first, params.dae.initial_weights, generator)
            train_classifier(network.classifier, codes, params.dae, generator, log_epoch)
        case ConvolutionalNetwork():
            if params.cnn.initial_filters == "signed_dirac":
                start_with_signed_dirac(network)
            initialise(network.hidden, params.cnn.initial_weights, generator)
            initialise(network.output, params.cnn.initial_output_weights, generator)
            train_classifier(network, photos, params.cnn, generator, log_epoch)
    return network.eval()


def _pretrain(
    network: StackedAutoencoder,
    photos: Photos,
    params: Params,
    generator: torch.Generator,
    log: Log,
) -> Photos:
    """Train both autoencoders, one on the codes of the other, and give the codes of all photos."""
    start = {
        "principal_components": start_from_principal_components,
        "xavier": start_at_random,
    }[params.dae.initial_autoencoder]
    x, n = photos.x, photos.trained_on
    stack = {"outer": network.outer, "inner": network.inner}
    for (name, autoencoder), settings in zip(stack.items(), params.dae.pretraining, strict=True):

        def log_error(train: float, test: float, name: str = name) -> None:
            log({f"{name}/train": train, f"{name}/test": test})

        start(autoencoder, x[:n], generator)
        pretrain(autoencoder, x[:n], x[n:], settings, params.dae.corruption, generator, log_error)
        with torch.no_grad():
            x = autoencoder.encode(x)
    return Photos(x, photos.person, n)


def reconstruct(network: StackedAutoencoder, x: torch.Tensor) -> torch.Tensor:
    """Encode and decode photos [B, d] by the whole stack."""
    with torch.no_grad():
        return network.decode(network.encode(x))


def device() -> torch.device:
    """Give the device to work on: CUDA where it is there."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@torch.no_grad()
def accuracy(network: Network, x: torch.Tensor, person: torch.Tensor) -> float:
    """Give the share of photos [B, d] that the network gives to the right person."""
    return (network(x).argmax(1) == person).double().mean().item()
