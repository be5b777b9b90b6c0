"""The convolution stacks of the VQ-VAE (section 3) and of the conditioner. Signals are [batch, channels, time]."""

from torch import nn


class ResidualBlock(nn.Module):
    """x + scale · conv1(relu(conv3(relu(x))))."""

    def __init__(self, width, state, dilation, scale):
        super().__init__()
        self.scale = scale
        self.model = nn.Sequential(
            nn.ReLU(), nn.Conv1d(width, state, 3, 1, dilation, dilation), nn.ReLU(), nn.Conv1d(state, width, 1))

    def forward(self, x):
        y = self.model(x)
        return x + (y if self.scale == 1 else self.scale * y)


def dilations(depth, growth, cycle, reverse):
    sizes = [growth ** (i if cycle is None else i % cycle) for i in range(depth)]
    return sizes[::-1] if reverse else sizes


class Resnet(nn.Module):
    """A run of residual blocks, whose list is called `model` in the VQ-VAE and `blocks` in the conditioner."""

    def __init__(self, width, depth, growth, cycle, reverse, scaled, name):
        super().__init__()
        scale = depth**-0.5 if scaled else 1
        blocks = [ResidualBlock(width, width, d, scale) for d in dilations(depth, growth, cycle, reverse)]
        setattr(self, name, nn.Sequential(*blocks))
        self.name = name

    def forward(self, x):
        return getattr(self, self.name)(x)


class Encoder(nn.Module):
    """stride ** downs times shorter."""

    def __init__(self, input, output, downs, stride, width, depth, growth, cycle):
        super().__init__()
        stages = [
            nn.Sequential(
                nn.Conv1d(width if i else input, width, stride * 2, stride, stride // 2),
                Resnet(width, depth, growth, cycle, False, False, "model"))
            for i in range(downs)
        ]
        self.model = nn.Sequential(*stages, nn.Conv1d(width, output, 3, 1, 1))

    def forward(self, x):
        return self.model(x)


class Decoder(nn.Module):
    """stride ** downs times longer."""

    def __init__(self, input, output, downs, stride, width, depth, growth, cycle, reverse, scaled, name):
        super().__init__()
        stages = [
            nn.Sequential(
                Resnet(width, depth, growth, cycle, reverse, scaled, name),
                nn.ConvTranspose1d(width, width if i + 1 < downs else output, stride * 2, stride, stride // 2))
            for i in range(downs)
        ]
        self.model = nn.Sequential(nn.Conv1d(input, width, 3, 1, 1), *stages)

    def forward(self, x):
        return self.model(x)
