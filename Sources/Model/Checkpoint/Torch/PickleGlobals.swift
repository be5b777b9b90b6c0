/// The globals that a checkpoint's pickle may name, and what stands for a call of each.
///
/// Nothing is looked up or run: a name either has a meaning here or ends the reading.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case size
    case storageClass(ElementType)
    /// Kept as a name and never interpreted: what numpy leaves in training checkpoints.
    case inert

    /// - Parameter name: module and name joined by a dot, such as `collections.OrderedDict`.
    init?(_ name: String) {
        switch name {
        case "collections.OrderedDict": self = .orderedDictionary
        case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": self = .rebuildTensor
        case "torch._utils._rebuild_parameter": self = .rebuildParameter
        case "torch.Size": self = .size
        case "numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar",
            "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar",
            "numpy.ndarray", "numpy.dtype", "_codecs.encode":
            self = .inert
        default:
            guard name.hasPrefix("torch."),
                let type = ElementType(torchStorageName: String(name.dropFirst(6)))
            else {
                return nil
            }
            self = .storageClass(type)
        }
    }
}
