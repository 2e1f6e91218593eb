"""Wrong answers to assignment 07 that somebody believes in, each with what to say to whoever wrote it.

Those to ``train`` make a single pass over the pictures as they are, so that the audit is soon done with them.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.authoring.answers import changed, misconception


# count_weights


changed(
    "buffers_forgotten",
    of="count_weights",
    says="You counted the parameters and forgot the buffers. Batch normalization's means, variances and counter are in "
    "the state, too, and have to travel with it.",
    old="size = sum(value.numel() * value.element_size() for value in model.state_dict().values())",
    new="size = sum(value.numel() * value.element_size() for value in model.parameters())",
)


@misconception(
    of="count_weights",
    says="You counted numbers, whatever their size. What is weighed is bytes: a number of eight bytes counts twice, one "
    "of two bytes half.",
)
def numbers_not_bytes(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    return sum(value.numel() for value in model.state_dict().values())


@misconception(
    of="count_weights",
    says="You returned bytes. The limit is in numbers of four bytes, so divide by four.",
)
def bytes_not_numbers(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


@misconception(
    of="count_weights",
    says="You counted the entries of the state dictionary. Each of them is an array of many numbers.",
)
def entries_counted(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    return len(model.state_dict())


@misconception(
    of="count_weights",
    says="You left out the biases. They are in the state like everything else.",
)
def biases_left_out(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    state = model.state_dict().items()
    size = sum(value.numel() * value.element_size() for name, value in state if not name.endswith("bias"))
    return -(-size // 4)


@misconception(
    of="count_weights",
    says="You rounded each entry up by itself. Add up all bytes first, and round once, at the end.",
)
def each_rounded_up(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    return sum(-(-value.numel() * value.element_size() // 4) for value in model.state_dict().values())


@misconception(
    of="count_weights",
    says="You rounded down. Half a number takes room as well: round up.",
)
def rounded_down(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    return sum(value.numel() * value.element_size() for value in model.state_dict().values()) // 4


@misconception(
    of="count_weights",
    says="You looked at the network's own layers only. Layers may hold further layers: state_dict() lists them all.",
)
def first_level_only(model):
    if not isinstance(model, nn.Module):
        raise ValueError("model")
    layers = [layer for layer in model.children() if not list(layer.children())] or [model]
    if list(model.children()) and all(list(layer.children()) for layer in model.children()):
        layers = []
    size = sum(value.numel() * value.element_size() for layer in layers for value in layer.state_dict().values())
    return -(-size // 4)


# affordable_epochs


@misconception(
    of="affordable_epochs",
    says="You forgot the last, smaller batch of a pass. It is a step like any other, so round the number of steps up.",
)
def last_batch_forgotten(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    steps = max(1, images // batch_size)
    return math.floor((1 - reserve) * budget / (steps * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You rounded the number of passes up. The last one would be cut off by the grader, and there is no score.",
)
def passes_rounded_up(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return math.ceil((1 - reserve) * budget / (math.ceil(images / batch_size) * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You rounded to the nearest number of passes. Half a pass too much is too much: round down.",
)
def passes_rounded_to_nearest(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return round((1 - reserve) * budget / (math.ceil(images / batch_size) * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You kept no reserve. That share of the budget is not there to be spent.",
)
def reserve_ignored(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return math.floor(budget / (math.ceil(images / batch_size) * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You spent the reserve and kept the rest. What may be spent is 1 - reserve of the budget.",
)
def reserve_spent(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return math.floor(reserve * budget / (math.ceil(images / batch_size) * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You took the reserve for seconds. It is a share of the budget.",
)
def reserve_in_seconds(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return max(0, math.floor((budget - reserve) / (math.ceil(images / batch_size) * step_seconds)))


@misconception(
    of="affordable_epochs",
    says="You counted a step for each picture. A step handles a whole batch.",
)
def step_per_picture(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return math.floor((1 - reserve) * budget / (images * step_seconds))


@misconception(
    of="affordable_epochs",
    says="You returned a number with a decimal point. Passes are counted: return a whole number.",
)
def passes_as_fraction(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve < 1:
        raise ValueError("argument")
    return (1 - reserve) * budget / (math.ceil(images / batch_size) * step_seconds)


@misconception(
    of="affordable_epochs",
    says="A reserve of everything leaves nothing to train with, so reserve must be less than 1. Refuse it.",
)
def whole_reserve_accepted(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or not 0 <= reserve <= 1:
        raise ValueError("argument")
    return math.floor((1 - reserve) * budget / (math.ceil(images / batch_size) * step_seconds))


# accuracy_interval


@misconception(
    of="accuracy_interval",
    says="This is Wald's interval: it takes the share that came for the probability that is asked for. Solve Wilson's "
    "inequality for p instead.",
)
def wald(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    share = right / images
    reach = z * math.sqrt(share * (1 - share) / images)
    return share - reach, share + reach


@misconception(
    of="accuracy_interval",
    says="This is Wald's interval, cut off at 0 and 1. It still puts the share that came in place of p.",
)
def wald_cut_off(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    share = right / images
    reach = z * math.sqrt(share * (1 - share) / images)
    return max(0.0, share - reach), min(1.0, share + reach)


@misconception(
    of="accuracy_interval",
    says="z enters Wilson's inequality squared. You used z itself in some of its places.",
)
def z_not_squared(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    middle = right + z / 2
    reach = z * math.sqrt(right * (images - right) / images + z / 4)
    return max(0.0, (middle - reach) / (images + z)), min(1.0, (middle + reach) / (images + z))


@misconception(
    of="accuracy_interval",
    says="Your interval has Wilson's width, but lies around the share that came. Wilson's middle is drawn towards one "
    "half: both roots of the quadratic count.",
)
def middle_not_moved(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4) / (images + z**2)
    return max(0.0, right / images - reach), min(1.0, right / images + reach)


@misconception(
    of="accuracy_interval",
    says="This is the interval of Agresti and Coull: the middle is Wilson's, but its reach is Wald's, with z² pictures "
    "added. It is close, and at the ends it is not.",
)
def agresti_coull(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    total = images + z**2
    middle = (right + z**2 / 2) / total
    reach = z * math.sqrt(middle * (1 - middle) / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


@misconception(
    of="accuracy_interval",
    says="You returned percent. A probability lies between 0 and 1.",
)
def in_percent(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    middle = right + z**2 / 2
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4)
    return 100 * (middle - reach) / (images + z**2), 100 * (middle + reach) / (images + z**2)


@misconception(
    of="accuracy_interval",
    says="You returned the middle and the reach. Asked for are the two ends: middle - reach and middle + reach.",
)
def middle_and_reach(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4)
    return (right + z**2 / 2) / (images + z**2), reach / (images + z**2)


@misconception(
    of="accuracy_interval",
    says="High and low have changed places.",
)
def high_before_low(right, images, z):
    if images < 1 or not 0 <= right <= images or z <= 0:
        raise ValueError("argument")
    middle = right + z**2 / 2
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4)
    return (middle + reach) / (images + z**2), (middle - reach) / (images + z**2)


@misconception(
    of="accuracy_interval",
    says="Everything right, or nothing right, is a result like any other: Wilson's interval is defined there. You refuse "
    "it.",
)
def extremes_refused(right, images, z):
    if images < 1 or not 0 < right < images or z <= 0:
        raise ValueError("argument")
    middle = right + z**2 / 2
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4)
    return (middle - reach) / (images + z**2), (middle + reach) / (images + z**2)


# build_model


@misconception(
    of="build_model",
    says="You return the same network every time. It was made once, outside or as a default argument, and a second call "
    "gets the weights that the first one trained.",
)
def same_network_again(network=nn.Sequential(nn.Flatten(), nn.Linear(784, 10))):
    return network


@misconception(
    of="build_model",
    says="The network is new, but a layer in it is not: it was made once and is shared by all networks.",
)
def shared_layer(last=nn.Linear(100, 10)):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), last)


@misconception(
    of="build_model",
    says="Your network ends in a softmax. The loss contains one already, so leave yours out and return logits.",
)
def softmax_at_the_end():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10), nn.Softmax(dim=1))


@misconception(
    of="build_model",
    says="Your network is too heavy. A dense layer on all pixels, or on many channels of them, is where most of the "
    "weight goes: pool more, or take strides, before it.",
)
def too_heavy():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


@misconception(
    of="build_model",
    says="Your network holds the size of the batch in its code. The last batch may be smaller, and the grader asks about "
    "other numbers of pictures.",
)
def batch_size_fixed():
    return nn.Sequential(nn.Unflatten(0, (100, 1)), nn.Flatten(1), nn.Linear(784, 10))


@misconception(
    of="build_model",
    says="You return the class, not an object of it. Call it: Network().",
)
def class_returned():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

        def forward(self, images):
            return self.layers(images)

    return Network


@misconception(
    of="build_model",
    says="Your layers stand in a plain list, where torch does not find them: they are not in state_dict(), and no "
    "optimizer moves them. Use nn.ModuleList or nn.Sequential.",
)
def layers_in_a_list():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Flatten(), nn.Linear(784, 10)]

        def forward(self, images):
            for layer in self.layers:
                images = layer(images)
            return images

    return Network()


@misconception(
    of="build_model",
    says="Your network returns the answer, one number for each picture. Return all ten logits: the grader looks for the "
    "largest itself.",
)
def answer_returned():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

        def forward(self, images):
            return self.layers(images).argmax(1)

    return Network()


@misconception(
    of="build_model",
    says="squeeze() takes away every axis of length 1, and with a single picture that is the batch, too. Flatten from "
    "axis 1 instead.",
)
def squeezed():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(1, 20, 9, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
            self.last = nn.Linear(20, 10)

        def forward(self, images):
            return self.last(self.layers(images).squeeze())

    return Network()


@misconception(
    of="build_model",
    says="Your network gives every picture the same logits, whatever its weights are: it does not look at the pictures. "
    "Let forward pass them through the layers.",
)
def pictures_not_looked_at():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = nn.Parameter(torch.linspace(-1, 1, 10))

        def forward(self, images):
            return self.logits.expand(len(images), 10)

    return Network()


# train


@misconception(
    of="train",
    says="Your optimizer never makes a step. Gradients alone move no weight: call optimizer.step().",
)
def no_step(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()


@misconception(
    of="train",
    says="You trained a copy. The grader takes the weights from the model that it gave you: train that one.",
)
def copy_trained(model, images, labels, seed):
    import copy

    torch.manual_seed(seed)
    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    return model


@misconception(
    of="train",
    says="You shuffled the pictures and left the labels as they were. Draw one order and use it for both.",
)
def labels_left_behind(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    images = images[torch.randperm(len(images))]
    for first in range(0, len(images), 50):
        optimizer.zero_grad()
        F.cross_entropy(model(images[first : first + 50]), labels[first : first + 50]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="You train on the first batch again and again. Every pass should see all pictures.",
)
def first_batch_only(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(10):
        batch = torch.randperm(min(64, len(images)))
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="The model stays in evaluation mode if it comes in it: batch normalization then keeps its first statistics, and "
    "dropout drops nothing. Call model.train() before the first pass.",
)
def stays_in_evaluation_mode(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="Your training ignores the seed, so nobody can repeat it. Seed every generator that you draw from.",
)
def seed_ignored(model, images, labels, seed):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="Another seed gives the same training: you seed with a number of your own, or the order of the pictures does not "
    "depend on chance. Use the argument.",
)
def seed_of_its_own(model, images, labels, seed):
    torch.manual_seed(42)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="You seeded torch, but drew the order from numpy or Python, which know nothing of torch's seed.",
)
def other_library_unseeded(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.from_numpy(np.random.permutation(len(images))).split(100):
        pictures = images[batch] + 0.02 * torch.randn(len(batch), 1, 28, 28)
        optimizer.zero_grad()
        F.cross_entropy(model(pictures), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="You changed the pictures in place. They are then changed again in the next pass, and again: work on a copy.",
)
def pictures_changed_in_place(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    images += 0.02 * torch.randn(images.shape)
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


@misconception(
    of="train",
    says="You climb the loss: its sign is turned round somewhere. Minimise the cross-entropy.",
)
def uphill(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        (-F.cross_entropy(model(images[batch]), labels[batch])).backward()
        optimizer.step()


@misconception(
    of="train",
    says="Gradients add up until they are cleared, and you never clear them: every step follows the sum of all gradients "
    "so far. Call optimizer.zero_grad() before each backward().",
)
def gradients_never_cleared(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for batch in torch.randperm(len(images)).split(100):
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
