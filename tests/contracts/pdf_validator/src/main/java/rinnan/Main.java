package rinnan;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.verapdf.pdfa.validation.profiles.RuleId;

/** {@code Main ua1,2a file.pdf…}: checks every file against every flavour and ends with 1 where one fails. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("").setLevel(Level.OFF);
    VeraGreenfieldFoundryProvider.initialise();
    boolean allPass = true;
    for (String name : arguments[0].split(",")) {
      PDFAFlavour flavour = PDFAFlavour.fromString(name);
      if (flavour == PDFAFlavour.NO_FLAVOUR) {
        throw new IllegalArgumentException("unknown flavour " + name);
      }
      for (int i = 1; i < arguments.length; i++) {
        allPass &= passes(Path.of(arguments[i]), flavour);
      }
    }
    System.exit(allPass ? 0 : 1);
  }

  private static boolean passes(Path file, PDFAFlavour flavour) throws Exception {
    try (PDFAParser parser = Foundries.defaultInstance().createParser(file.toFile(), flavour);
        PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
      ValidationResult result = validator.validate(parser);
      Map<RuleId, TestAssertion> broken = new LinkedHashMap<>();
      for (TestAssertion assertion : result.getTestAssertions()) {
        if (assertion.getStatus() == TestAssertion.Status.FAILED) {
          broken.putIfAbsent(assertion.getRuleId(), assertion);
        }
      }
      broken.forEach(
          (rule, assertion) ->
              System.out.printf("  clause %s: %s%n", rule.getClause(), assertion.getMessage()));
      System.out.printf(
          "%s %s %s%n", result.isCompliant() ? "PASS" : "FAIL", flavour.getId(), file.getFileName());
      return result.isCompliant();
    }
  }
}
