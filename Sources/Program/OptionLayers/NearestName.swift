extension OptionTable {
    /// What to say after the name of an option that is none.
    ///
    /// - Parameter form: how the place would write it.
    func hint(for name: String, form: (String) -> String = { $0 }) -> String {
        if let flag = options.first(where: { $0.isFlag && "no-\($0.name)" == name }) {
            return "; to switch it off, write \(form(flag.name)) with false"
        }
        guard let nearest = nearest(to: name) else {
            return "; orchestrion \(command) --help names all"
        }
        return "; did you mean \(form(nearest))?"
    }

    /// The name that takes the fewest changes, if they are few.
    func nearest(to name: String) -> String? {
        let plain = name.lowercased().replacing("_", with: "-")
        let all = options.map { (name: $0.name, distance: Self.distance(plain, $0.name)) }
        guard let best = all.min(by: { $0.distance < $1.distance }) else { return nil }
        if best.distance <= max(2, plain.count / 3) { return best.name }
        return options.map(\.name).first { plain.count > 3 && ($0.hasPrefix(plain) || plain.hasPrefix($0)) }
    }

    /// Letters to change, leave away or add.
    private static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.unicodeScalars.prefix(64)), Array(other.unicodeScalars.prefix(64)))
        var row = Array(0...other.count)
        for (i, a) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in other.enumerated() {
                let next = min(diagonal + (a == b ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                (diagonal, row[j + 1]) = (row[j + 1], next)
            }
        }
        return row[other.count]
    }
}
