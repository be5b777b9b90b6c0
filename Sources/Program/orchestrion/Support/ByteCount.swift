import ArgumentParser

/// A number of bytes as people write it: `500G`, `1.5T`, `800M`.
struct ByteCount: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        let units: [Character: Double] = ["k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
        var text = argument.hasSuffix("B") ? argument.dropLast() : argument[...]
        var factor = 1.0
        if let last = text.last, let unit = units[last == "K" ? "k" : last] {
            factor = unit
            text = text.dropLast()
        }
        guard let number = Double(text), number.isFinite, number * factor >= 1e6, number * factor < 1e18 else {
            return nil
        }
        bytes = Int(number * factor)
    }

    static var allValueStrings: [String] { [] }
}
