"""torchvision's crops of a padded image, mirrored or not: RandomCrop(padding=4) and hflip at every offset.

python tests/reference/crop_flip.py > tests/reference/crop_flip.csv
"""
import torch
import torchvision
from torchvision.transforms import functional as F

image = (torch.arange(42, dtype=torch.uint8) * 5 + 1).reshape(1, 6, 7)
padded = F.pad(image, 4)
print(f"# torchvision {torchvision.__version__}: 6 x 7 bytes 5 i + 1, padded by 4, cropped, then mirrored")
print("top,left,mirrored," + ",".join(f"p{i}" for i in range(42)))
for top in range(9):
    for left in range(9):
        for mirrored in (0, 1):
            crop = F.crop(padded, top, left, 6, 7)
            crop = F.hflip(crop) if mirrored else crop
            print(",".join(map(str, [top, left, mirrored, *crop.flatten().tolist()])))
