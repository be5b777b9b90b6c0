/// Header fields of a message, in their order. Names are compared whatever the case of their letters.
package struct HTTPFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    package private(set) var lines: [Line] = []

    package struct Line: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    package mutating func add(_ name: String, _ value: String) { lines.append(Line(name: name, value: value)) }

    /// The first value of a field; setting one takes the place of all.
    package subscript(name: String) -> String? {
        get { lines.first { Self.isSame($0.name, name) }?.value }
        set {
            lines.removeAll { Self.isSame($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    /// All values of a field.
    package func all(_ name: String) -> [String] {
        lines.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        one.utf8.elementsEqual(other.utf8) || one.lowercased() == other.lowercased()
    }
}
