
from seglossbench import networks

SMALL = {
    "UNet": {"channels": [4, 8], "strides": [2], "num_res_units": 1},
    "AttentionUnet": {"channels": [4, 8], "strides": [2]},
    "VNet": {},
    "DynUNet": {"filters": [4, 8, 8]},
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
    "SegResNetDS": {"init_filters": 4, "blocks_down": [1, 1, 1], "deep_supervision": 1},
    "UNETR": {"feature_size": 4, "hidden_size": 24, "mlp_dim": 24, "num_heads": 2},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1]},
}
SMALL |= {
    architecture: {"size": "small"} for architecture in networks.ARCHITECTURES if architecture not in SMALL
}
LARGE_PATCHES = ("SwinUNETR", "nn_former", "slim_unetr")  # which halve them five times
